"""The door of the dashboard: where people sign in, it lets in only those who have a role."""

from __future__ import annotations

import streamlit as st

from pages.components.session import identity, service, signed_in
from pages.components.text import plain


def shut() -> bool:
    """Whether whoever looks may not come in yet."""
    return service().workbench.settings.signs_in and signed_in() is None


def door() -> None:
    """What stands before the dashboard until somebody with a role has signed in."""
    known = identity()
    _, middle, _ = st.columns([1, 2, 1])
    with middle, st.container(border=True):
        st.title("Fleet Workbench")
        if known is None:
            st.write("Changes to the fleet are seen and approved here. Sign in to go on.")
            st.button("Sign in", type="primary", icon=":material/login:", key="sign_in", on_click=st.login)
            return
        st.write(f"You are signed in as **{plain(known)}**, and no role is given to you here.")
        st.caption("Whoever runs this server gives roles with FLEET_ROLES.")
        st.button("Sign out", icon=":material/logout:", key="sign_out", on_click=st.logout)
