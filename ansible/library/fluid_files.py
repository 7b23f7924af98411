"""Ansible module: puts many files, folders and links in place in one go.

What `copy`, `template` and `file` do, but with one start of Python on the host for all of them
instead of two or three for each: on a small device a start takes a second and more. Works with
--check and --diff. A file is replaced at once, after it has its content, owner and rights.
"""

import grp
import os
import pwd
import shlex
import shutil
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: fluid_files
short_description: Put many files, folders and links in place in one go
description:
  - As M(ansible.builtin.copy) and M(ansible.builtin.file) do, for all of them in one call.
options:
  files:
    description: What shall be there, in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: Where., type: path, required: true}
      content: {description: The text of a file., type: str}
      secret: {description: The text of a file that is never shown., type: str}
      link: {description: Where a link leads., type: str}
      state:
        description: V(file) is a file or a link, V(absent) removes whatever is there.
        type: str
        choices: [file, directory, absent]
        default: file
      owner: {description: Whose it is., type: str, default: root}
      group: {description: Its group., type: str, default: root}
      mode: {description: Its rights., type: str, default: "0644"}
      validate:
        description: A command that must succeed with a file before it is replaced, with %s for it.
        type: str
author: The Fluid authors
"""

EXAMPLES = r"""
- name: Configure it
  fluid_files:
    files:
      - {path: /etc/some, state: directory, mode: "0755"}
      - {path: /etc/some/key, secret: "{{ some_key }}", mode: "0600"}
"""

RETURN = r"""
changed_files:
  description: The paths of what was not as it should be.
  type: list
  returned: always
"""

FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "link": {"type": "str"},
    "state": {"choices": ["file", "directory", "absent"], "default": "file"},
    "owner": {"default": "root"},
    "group": {"default": "root"},
    "mode": {"default": "0644"},
    "validate": {"type": "str"},
}
KINDS = ("content", "secret", "link")


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def text_of(path):
    """The text of a file, None if there is none."""
    if not path.is_file():
        return None
    return path.read_bytes().decode("utf-8", errors="replace")


def is_known(owner, group):
    try:
        pwd.getpwnam(owner)
        grp.getgrnam(group)
    except KeyError:
        return False
    return True


class Files:
    """Puts one after the other in place, and remembers what has changed."""

    def __init__(self, module):
        self.module = module
        self.changed = []
        self.diffs = []

    def put(self, wanted):
        path = Path(wanted["path"])
        if wanted["state"] == "absent":
            changed = self.put_nothing(path)
        elif wanted["state"] == "directory":
            changed = self.put_folder(path, wanted)
        elif wanted["link"] is not None:
            changed = self.put_link(path, wanted["link"])
        else:
            changed = self.put_text(path, wanted)
        if changed:
            self.changed.append(str(path))

    def put_nothing(self, path):
        """Returns, as the others do, whether something is not as it should be."""
        if not os.path.lexists(path):
            return False
        self.note(path, "is there\n", "")
        if not self.module.check_mode:
            remove(path)
        return True

    def put_folder(self, path, wanted):
        if path.is_dir():
            return self.set_rights(path, wanted)
        self.note(path, "", "folder\n")
        if not self.module.check_mode:
            path.mkdir(parents=True)
            self.set_rights(path, wanted)
        return True

    def put_link(self, path, target):
        before = f"link to {path.readlink()}\n" if path.is_symlink() else ""
        if before == f"link to {target}\n":
            return False
        self.note(path, before, f"link to {target}\n")
        if not self.module.check_mode:
            temporary = path.with_name(f"{path.name}.new")
            if os.path.lexists(temporary):
                remove(temporary)
            temporary.symlink_to(target)
            temporary.replace(path)
        return True

    def put_text(self, path, wanted):
        text = wanted["content"] if wanted["secret"] is None else wanted["secret"]
        before = text_of(path)
        if before == text:
            return self.set_rights(path, wanted)
        if wanted["secret"] is None:
            self.note(path, before or "", text)
        if not self.module.check_mode:
            self.replace(path, text, wanted)
        return True

    def replace(self, path, text, wanted):
        # Beside the other, so that it can take its place at once; in a folder of root's alone.
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=".new-"))
        try:
            temporary = folder / path.name
            with temporary.open("wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            self.set_rights(temporary, wanted)
            if wanted["validate"]:
                self.validate(path, temporary, wanted["validate"])
            temporary.replace(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def validate(self, path, temporary, command):
        words = [word.replace("%s", str(temporary)) for word in shlex.split(command)]
        code, out, err = self.module.run_command(words)
        if code != 0:
            self.module.fail_json(msg=f"{path} was not replaced: {words[0]} says {out}{err}")

    def set_rights(self, path, wanted):
        if self.module.check_mode and not is_known(wanted["owner"], wanted["group"]):
            return True  # whoever runs this for good has made them by then
        rights = dict.fromkeys(("attributes", "seuser", "serole", "selevel", "setype"))
        rights.update({key: wanted[key] for key in ("owner", "group", "mode")}, path=str(path))
        arguments = self.module.load_file_common_arguments(rights)
        return self.module.set_fs_attributes_if_different(arguments, changed=False)

    def note(self, path, before, after):
        self.diffs.append(
            {
                "before_header": str(path),
                "after_header": str(path),
                "before": before,
                "after": after,
            }
        )


def main():
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": FILE,
                "mutually_exclusive": [KINDS],
            }
        },
        supports_check_mode=True,
    )
    files = Files(module)
    for wanted in module.params["files"]:
        if wanted["state"] == "file" and all(wanted[kind] is None for kind in KINDS):
            module.fail_json(msg=f"{wanted['path']}: give content, secret or link")
        try:
            files.put(wanted)
        except OSError as error:
            module.fail_json(msg=f"{wanted['path']}: {error}")
    module.exit_json(changed=bool(files.changed), changed_files=files.changed, diff=files.diffs)


if __name__ == "__main__":
    main()
