"""The door of the dashboard: where people sign in, it lets in only those who have a role and whose sign-in holds."""

from __future__ import annotations

import streamlit as st

from pages.components.session import Visitor, refused, service, sign_out, visitor
from pages.components.text import plain


def outside() -> Visitor | None:
    """Who may not come in yet; None for whoever may, and where nobody signs in."""
    if not service().workbench.settings.signs_in:
        return None
    found = visitor()
    return None if found.actor is not None else found


def door(found: Visitor) -> None:
    """What stands before the dashboard until somebody with a role has signed in."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle, st.container(border=True):
        st.title("Fleet Workbench")
        if found.refusal is not None:
            refused(found.refusal)
            _sign_in()
        elif found.person is None:
            st.write("Review and approve changes to the fleet here. Sign in to continue.")
            _sign_in()
        else:
            _without_role(found)


def _sign_in() -> None:
    st.button("Sign in", type="primary", icon=":material/login:", key="sign_in", on_click=st.login)


def _without_role(found: Visitor) -> None:
    """Say who they are here, so that they can ask for a role by that name."""
    person = found.person
    if person is None:
        return
    called = f" ({plain(person.display)})" if person.display and person.display.lower() != person.name else ""
    st.write(f"You are signed in as **{plain(person.name)}**{called}, but you have no role here.")
    if person.unverified:
        st.caption("The identity provider does not confirm that your address is verified, so your address is not used.")
    st.caption(
        f"Ask the administrator of this server to add a role in FLEET_ROLES, for example {plain(person.name)}=viewer"
    )
    st.button("Sign out", icon=":material/logout:", key="sign_out", on_click=sign_out)
