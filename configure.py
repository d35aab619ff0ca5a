#!/usr/bin/env python3
"""Write config.ninja: the compiler, its flags, and what pkg-config answers.

The source files stand in build.ninja, by hand; nothing here names one.

    ./configure.py [--cc clang] [--sanitize address,undefined | thread] [--werror] [--build DIR]
                   [--prefix /usr/local]

CPPFLAGS, CFLAGS and LDFLAGS of the environment are added to ours.
"""
import argparse
import os
import shlex
import shutil
import subprocess
import sys

LIBRARIES = ["libcurl", "zlib", "libpq", "sqlite3", "libcrypto", "libmicrohttpd"]
DYGRAPHS = "/usr/share/javascript/dygraphs"  # Debian's libjs-dygraphs, which draws the plots of serve
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes",
            "-Wmissing-prototypes", "-Wvla", "-Wformat=2"]
VERSION = "0.1.0"


def pkg_config(option, names):
    command = ["pkg-config", option, *names]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"configure.py: {' '.join(command)} failed:\n{done.stderr}"
                 "Run ops/deps, which installs what is needed on Debian 12.")
    return shlex.split(done.stdout)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--build", default="build", help="the folder to build in")
    parser.add_argument("--prefix", default="/usr/local", help="where ninja install puts it")
    parser.add_argument("--sanitize", metavar="LIST", help="for example address,undefined")
    parser.add_argument("--werror", action="store_true", help="warnings are errors")
    parser.add_argument("--debug", action="store_true", help="-O0 instead of -O2")
    return parser.parse_args()


def main():
    args = arguments()
    for tool in (args.cc, "pkg-config"):
        if not shutil.which(tool):
            sys.exit(f"configure.py: {tool} is not installed. Run ops/deps.")
    if not os.path.exists(f"{DYGRAPHS}/dygraph.min.js"):
        sys.exit(f"configure.py: {DYGRAPHS} (libjs-dygraphs) is not there. Run ops/deps.")
    cflags = ["-std=c17", "-g", "-O0" if args.debug else "-O2", "-pthread",
              "-D_GNU_SOURCE", f"-DDVF_IMPORT_VERSION='\"{VERSION}\"'", "-fno-strict-aliasing", *WARNINGS]
    ldflags = ["-pthread", "-Wl,--as-needed"]
    if args.sanitize:
        flags = [f"-fsanitize={args.sanitize}", "-fno-omit-frame-pointer"]
        cflags += flags + ["-fno-sanitize-recover=all"]
        ldflags += flags
    else:
        cflags += ["-fstack-protector-strong"]
        if not args.debug:
            cflags += ["-D_FORTIFY_SOURCE=2"]
    if args.werror:
        cflags.append("-Werror")
    for name, flags in (("CPPFLAGS", cflags), ("CFLAGS", cflags), ("LDFLAGS", ldflags)):
        flags += shlex.split(os.environ.get(name, ""))
    with open("config.ninja", "w", encoding="ascii") as out:
        out.write("# written by configure.py\n")
        out.write(f"builddir = {args.build}\n")
        out.write(f"prefix = {args.prefix}\n")
        out.write(f"cc = {args.cc}\n")
        out.write(f"dygraphs = {DYGRAPHS}\n")
        out.write(f"python = {sys.executable}\n")
        out.write(f"cflags = {' '.join(cflags + pkg_config('--cflags', LIBRARIES))}\n")
        out.write(f"ldflags = {' '.join(ldflags)}\n")
        out.write(f"libs = {' '.join(pkg_config('--libs', LIBRARIES))} -lm\n")
        cmocka = subprocess.run(["pkg-config", "--exists", "cmocka"]).returncode == 0
        out.write(f"cmocka = {' '.join(pkg_config('--libs', ['cmocka'])) if cmocka else ''}\n")
        seccomp = subprocess.run(["pkg-config", "--exists", "libseccomp"]).returncode == 0
        out.write(f"seccomp = {' '.join(pkg_config('--libs', ['libseccomp'])) if seccomp else ''}\n")
    print("config.ninja written; now: ninja")


if __name__ == "__main__":
    main()
