"""Brings Superset's metadata up to date, run by Superset's own interpreter.

Arguments: the file of what to provision, ``provision.json`` (see ``pipeline/bi/superset.py``). A
new admin password is read from standard input; an empty one leaves the account as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from flask_migrate import upgrade
from superset.app import create_app

ADMIN = "admin"


def main(said: dict[str, str], password: str) -> None:
    """Migrate the metadata database, set the account up, import the assets."""
    app = create_app()
    with app.app_context():
        print("metadata database", flush=True)
        upgrade()
        from superset.extensions import appbuilder, security_manager

        print("roles", flush=True)
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        print("account", flush=True)
        _set_up_admin(security_manager, password)
        print("dashboards", flush=True)
        _import_assets(security_manager, said)


def _set_up_admin(security_manager: Any, password: str) -> None:  # noqa: ANN401
    found = security_manager.find_user(ADMIN)
    if found is None:
        role = security_manager.find_role("Admin")
        made = security_manager.add_user(ADMIN, "Vane", "Admin", "admin@localhost", role, password)
        if not made:
            sys.exit("the account could not be made")
    elif password:
        security_manager.reset_password(found.id, password)


def _import_assets(security_manager: Any, said: dict[str, str]) -> None:  # noqa: ANN401
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.utils.core import override_user

    root = Path(said["assets"])
    contents = {
        str(path.relative_to(root)): path.read_text(encoding="utf-8").replace(
            "{catalog}", said["catalog"]
        )
        for path in sorted(root.rglob("*.yaml"))
    }
    with override_user(security_manager.find_user(ADMIN)):
        ImportAssetsCommand(contents).run()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.stdin.readline().strip())
