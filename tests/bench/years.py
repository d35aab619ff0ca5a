"""The years that are loaded: made once by ops/make-years and kept, for they take longer than what is measured."""
import os
import shutil
import subprocess

from importing import ROOT

LEVEL = 6


class Years:
    """One folder a size, laid out like the site: FOLDER/rows-N/latest/csv/YEAR/full.csv.gz."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        os.makedirs(self.folder, exist_ok=True)

    def site(self, rows):
        return os.path.join(self.folder, f"rows-{rows}")

    def path(self, rows, year=2022):
        """The packed file, made if it is not there, and in the page cache."""
        path = os.path.join(self.site(rows), "latest", "csv", str(year), "full.csv.gz")
        if not os.path.exists(path):
            print(f"    making {rows:,} rows of {year} ...", flush=True)
            making = os.path.join(self.folder, f"making-{os.getpid()}")
            subprocess.run([os.path.join(ROOT, "ops", "make-years"), making, "--years", str(year), "--rows", str(rows),
                            "--level", str(LEVEL), "--final-newline", "yes", "--quiet"], check=True)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.replace(os.path.join(making, "latest", "csv", str(year), "full.csv.gz"), path)
            shutil.rmtree(making)
        with open(path, "rb") as packed:
            while packed.read(1 << 20):
                pass
        return path

    def source(self, rows, years=(2022,)):
        """What to give as --source."""
        for year in years:
            self.path(rows, year)
        return f"file://{self.site(rows)}/latest/csv/{{year}}/full.csv.gz"
