"""Tokens of the REST API on the Settings page: made, shown once, revoked."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from engine import phrases
from engine.model import Permission, Token
from engine.workbench import Workbench
from pages.components.acts import act, refusal
from pages.components.layout import one_then_other
from pages.components.session import actor, attempt, workbench
from pages.components.tables import column, empty, table
from pages.components.text import plain

DAYS = (7, 30, 90, 365)


def tokens() -> None:
    """The tokens that were made, for those who may make some."""
    st.subheader("API tokens")
    if refusal(Workbench.tokens):
        st.caption(
            "Your role may not create tokens. Ask a person who may; tokens are created here or with fleet token create."
        )
        act("New token", Workbench.create_token, icon=":material/add:", key="token_new")
        return
    found = workbench().tokens(actor())
    chosen = _listed(found)
    with st.container(horizontal=True):
        act(
            "New token",
            Workbench.create_token,
            icon=":material/add:",
            key="token_new",
            on_click=_open,
            args=("making",),
        )
        if chosen is not None:
            act(
                f"Revoke {plain(chosen.name)}", Workbench.revoke_token, icon=":material/block:", key="token_revoke",
                on_click=_open, args=("revoking",),
            )  # fmt: skip
            act(
                f"Revoke all by {plain(chosen.created_by)}", Workbench.revoke_tokens_by, icon=":material/block:", key="token_revoke_all",
                on_click=_open, args=("revoking_all",),
            )  # fmt: skip
    st.caption("API documentation, with a form to try requests: [/api/docs](/api/docs)")
    match st.session_state.get("token_dialog"):
        case "making":
            st.dialog("New token", on_dismiss=_close)(_make)()
        case "revoking" if chosen is not None:
            st.dialog("Revoke the token", on_dismiss=_close)(_revoke)(chosen)
        case "revoking_all" if chosen is not None:
            st.dialog("Revoke all tokens of a person", on_dismiss=_close)(_revoke_all)(chosen.created_by)


def _listed(found: list[Token]) -> Token | None:
    """Show the tokens; gives the one that is selected and can be revoked."""
    if not found:
        empty("No token yet.", "A script, a cron job or CI needs one to use the REST API.")
        return None
    now = datetime.now(UTC)
    rows = [
        {
            "id": t.id,
            "state": [t.state(now)],
            "name": phrases.clean(t.name),
            "account": "every account" if t.account == "*" else phrases.clean(t.account),
            "permissions": ", ".join(p.short for p in t.permissions),
            "until": t.expires_at,
            "by": phrases.clean(t.created_by),
        }
        for t in found
    ]
    columns = {
        "id": column.number("Id", 50),
        "state": column.words("State", 90),
        "name": column.text("Name", 130),
        "account": column.text("Account", 110),
        "permissions": column.text("Permissions", 220),
        "until": column.time("Until"),
        "by": column.text("Created by", 110),
    }
    chosen = table(rows, columns, key=f"tokens_{found[0].id}_{len(found)}", select="single", alt="Tokens, newest first")
    token = found[chosen[0]] if chosen else None
    return token if token is not None and token.state(now) == "valid" else None


def _open(name: str) -> None:
    st.session_state["token_dialog"] = name
    st.session_state.pop("issued", None)


def _close() -> None:
    st.session_state.pop("token_dialog", None)
    st.session_state.pop("issued", None)


def _make() -> None:
    """Ask, then show the token; both in one place, so that the answer stands where the question was."""
    one_then_other(_ask, _show, over=lambda: "issued" in st.session_state)


def _show() -> None:
    st.success("The token is created. It is shown only once: copy it now.", icon=":material/key:")
    st.code(st.session_state["issued"], language=None, wrap_lines=True)
    if st.button("Done", type="primary", key="token_done"):
        _close()
        st.rerun()


def _ask() -> None:
    me = actor()
    name = st.text_input(
        "Name",
        key="token_name",
        placeholder="ci, cron, ana's laptop",
        help="Events show this name for everything that is done with the token.",
    )
    open_to = [*(["*"] if me.account == "*" else []), *(workbench().accounts() or [workbench().account(None)])]
    account = st.selectbox(
        "Account", open_to, key="token_account", format_func=lambda each: "Every account" if each == "*" else each
    )
    permissions = st.multiselect(
        "Permissions",
        [p for p in Permission if p in me.permissions],
        key="token_permissions",
        default=[Permission.READ],
        format_func=lambda each: each.short,
    )
    days = st.selectbox("Valid for", DAYS, index=2, key="token_days", format_func=lambda each: f"{each} days")
    if st.button("Create", type="primary", key="token_make"):
        with attempt():
            _, text = workbench().create_token(me, name.strip(), account=account, permissions=permissions, days=days)
            st.session_state["issued"] = text


def _revoke(token: Token) -> None:
    st.write(
        "The next request with this token is refused, and so are requests with tokens created with it. This cannot be undone."
    )
    if st.button(f"Revoke {plain(token.name)}", type="primary", key="token_revoke_confirm"):
        with attempt() as tried:
            workbench().revoke_token(actor(), token.id)
        if tried.ok:
            _close()
            st.rerun()


def _revoke_all(maker: str) -> None:
    st.write(
        f"Every token that {plain(maker)} created becomes invalid now, and every token created with one of these. This cannot be undone."
    )
    if st.button(f"Revoke all by {plain(maker)}", type="primary", key="token_revoke_all_confirm"):
        with attempt() as tried:
            workbench().revoke_tokens_by(actor(), maker)
        if tried.ok:
            _close()
            st.rerun()
