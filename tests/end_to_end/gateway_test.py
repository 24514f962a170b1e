"""`sinew gateway check`: what is wrong with a file in Kong's format, by line."""

import json
import subprocess

import system

EXAMPLE = system.ROOT / "examples" / "commerce" / "commerce.gateway.yaml"

MISTAKES = """_format_version: "3.0"
services:
- name: sales
  host: sales.internal
  prot: http
  routes: [{name: orders, paths: [/orders]}]
plugins: [{name: jwt}]
"""


class Gateway(system.Case):
    def check(self, *arguments, code):
        command = [system.programs / "sinew", "gateway", "check", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=system.PATIENCE_S, check=False)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}\n{done.stderr}")
        return done

    def written(self, text):
        path = self.scratch / "kong.yaml"
        path.write_text(text)
        return path

    def test_the_example_is_valid(self):
        done = self.check(EXAMPLE, code=0)

        self.assertIn("5 services, 8 routes, 5 upstreams, 5 targets", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_every_mistake_is_said_with_its_line(self):
        path = self.written(MISTAKES)

        done = self.check(path, code=2)

        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[0].startswith(f"{path}:5: services[0].prot: "), lines)
        self.assertTrue(lines[1].startswith(f"{path}:7: plugins: "), lines)
        self.assertEqual(lines[2], f"{path}: 2 errors")

    def test_for_programs(self):
        document = json.loads(self.check(self.written(MISTAKES), "-o", "json", code=2).stdout)

        self.assertFalse(document["valid"])
        self.assertEqual([error["line"] for error in document["errors"]], [5, 7])
        valid = json.loads(self.check(EXAMPLE, "-o", "json", code=0).stdout)
        self.assertEqual((valid["services"], valid["warnings"]), (5, []))

    def test_the_settings_of_the_process_are_checked_with_it(self):
        conf = self.scratch / "kong.conf"
        conf.write_text("proxy_listen = 0.0.0.0:80 proxy_protocol\nplugins = bundled\n")

        done = self.check(EXAMPLE, "--conf", conf, code=2)

        self.assertIn("proxy_listen: 0.0.0.0:80 has proxy_protocol: say from whom", done.stderr)
        self.assertIn(f"{conf}:2: plugins: is known to Kong", done.stderr)
        conf.write_text("proxy_listen = 0.0.0.0:80\n")
        self.check(EXAMPLE, "--conf", conf, code=0)

    def test_a_file_that_is_not_there(self):
        self.assertIn("none.yaml", self.check(self.scratch / "none.yaml", code=2).stderr)


if __name__ == "__main__":
    system.main()
