"""A disk that fills up under the system and beside it: nothing is half-applied, nothing needs more
than room."""

import json
import os
import urllib.error

import system
from operation_test import order, send

FULL = "the disk is full"
MANY = 600  # orders, so that some have still to be sent when the disk is full


class FullDisk(system.Case):
    def setUp(self):
        super().setUp()
        self.flag = self.scratch / "full"
        os.environ.update(LD_PRELOAD=str(system.programs.parent / "lib" / "libfull_disk.so"),
                          FULL_DISK_FLAG=str(self.flag), FULL_DISK_FOLDER=str(self.folder))
        for name in ("LD_PRELOAD", "FULL_DISK_FLAG", "FULL_DISK_FOLDER"):
            self.addCleanup(os.environ.pop, name)

    def fill(self):
        self.flag.touch()

    def make_room(self):
        self.flag.unlink()

    def test_requests_are_refused_until_there_is_room(self):
        process = self.start("serve", "--folder", self.folder, "--port", 0)
        sales = self.urls()["sales"]
        self.commerce("replay", "--folder", self.folder, "--input", self.input, "--quiet")

        self.fill()
        with self.assertRaises(urllib.error.HTTPError) as refused:
            send(f"{sales}/orders", order("by-hand", "pm_card_visa"))
        self.assertEqual(refused.exception.code, 503)
        self.assertIn(FULL, json.loads(refused.exception.read())["detail"])
        self.assertEqual(len(send(f"{sales}/orders?limit=1000")[1]["orders"]), system.ORDERS)
        self.assertTrue(self.verify()["balanced"])
        self.make_room()

        self.assertEqual(send(f"{sales}/orders", order("by-hand", "pm_card_visa"))[0], 201)
        self.wait_for("confirmation", lambda: send(f"{sales}/orders/by-hand")[1]["status"]
                      == "confirmed")
        self.assertTrue(self.verify()["balanced"])
        self.stop(process)

    def test_a_run_goes_on_when_there_is_room(self):
        system.tool("generate-data", "--seed", 12, "--orders", MANY, self.input)
        progress = self.scratch / "progress"
        with open(progress, "w", encoding="utf-8") as file:
            process = self.start("run", "--folder", self.folder, "--input", self.input, "--port", 0,
                                 "--exit", "-o", "json", error=file)
        self.wait_for_orders(5)
        self.fill()
        self.wait_for("word of it", lambda: FULL in progress.read_text())
        self.make_room()

        books = json.loads(process.communicate(timeout=system.PATIENCE_S)[0])

        self.assertEqual(process.returncode, 0, progress.read_text())
        self.assertTrue(books["balanced"])

    def test_a_run_that_was_stopped_on_a_full_disk_is_finished_by_the_next(self):
        process = self.start("run", "--folder", self.folder, "--input", self.input, "--port", 0)
        self.wait_for_orders(5)
        self.fill()
        self.stop(process)
        self.refused_to_start()
        self.make_room()

        books = self.run_once()

        self.assertEqual(system.figures(books)["orders"] + len(books["compensated"]), system.ORDERS)

    def test_no_start_from_nothing(self):
        self.fill()
        self.refused_to_start()
        self.make_room()
        self.assertTrue(self.run_once()["balanced"])

    def refused_to_start(self):
        done = self.commerce("run", "--folder", self.folder, "--input", self.input, "--port", 0,
                             "--exit", code=2)
        self.assertRegex(done.stderr, "No space left on device|the disk is full")


if __name__ == "__main__":
    system.main()
