package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A need is something that must be on the machine: a program, or a file when
// it is an absolute path. What counts is that it is there, not which package
// brought it, so that a machine with an engine of other origin stays as it is.
type need struct{ thing, pkg string }

// testNeeds are those of the tests. Where the text of /etc/os-release is odd,
// it is taken for that of a new release.
func testNeeds(osRelease string) []need {
	return append(dockerNeeds(), []need{
		{"docker", cliPackage(osRelease)},
		{"podman", "podman"},
		{"crun", "crun"},
		{"conmon", "conmon"},
		{"/usr/lib/podman/netavark", "netavark"},
		{"/usr/lib/podman/aardvark-dns", "aardvark-dns"},
		{"/usr/lib/cni/bridge", "containernetworking-plugins"},
		{"iptables", "iptables"},
		{"nft", "nftables"}, // netavark's, since Debian 13
		// There is a busybox of the same name that is not static.
		{"/var/lib/dpkg/info/busybox-static.list", "busybox-static"},
		{"mmdebstrap", "mmdebstrap"},
		{"/etc/ssl/certs/ca-certificates.crt", "ca-certificates"},
		// Completion is tested in the shells that it is for.
		{"zsh", "zsh"},
		{"fish", "fish"},
	}...)
}

// dockerNeeds are those of a private Docker.
func dockerNeeds() []need {
	return []need{
		{"dockerd", "docker.io"},
		{"containerd", "containerd"},
		{"runc", "runc"},
		{"ip", "iproute2"},
		{"apparmor_parser", "apparmor"}, // without it Docker fails where the kernel has AppArmor
	}
}

// demoNeeds are those of the demonstration.
func demoNeeds(engine bool) []need {
	needs := []need{{"mmdebstrap", "mmdebstrap"}}
	if engine {
		needs = append(needs, dockerNeeds()...)
	}
	return needs
}

// missing are the packages of the needs that are not met; there tells whether
// one is.
func missing(needs []need, there func(thing string) bool) []string {
	var pkgs []string
	for _, n := range needs {
		if !there(n.thing) && !slices.Contains(pkgs, n.pkg) {
			pkgs = append(pkgs, n.pkg)
		}
	}
	return pkgs
}

func onMachine(thing string) bool {
	if filepath.IsAbs(thing) {
		_, err := os.Stat(thing)
		return err == nil
	}
	_, err := lookPath(thing)
	return err == nil
}

// lookPath finds programs of the administrator as well, whose directories
// other users often do not have in PATH.
func lookPath(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", err
}

// install does nothing, and says nothing, when all is there.
func install(ctx context.Context, log io.Writer, needs []need) error {
	pkgs := missing(needs, onMachine)
	if len(pkgs) == 0 {
		return nil
	}
	if _, err := lookPath("apt-get"); err != nil {
		return fmt.Errorf("packages are missing (%s) and this is no Debian machine: %w", strings.Join(pkgs, " "), err)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("packages are missing, and only root can install them; type\n\n"+
			"    sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends %s'",
			strings.Join(pkgs, " "))
	}
	fmt.Fprintf(log, "bed: installing %s\n", strings.Join(pkgs, " "))
	if err := aptGet(ctx, log, "update"); err != nil {
		return err
	}
	quiet, err := withoutServices("/usr/sbin/policy-rc.d")
	if err != nil {
		return err
	}
	err = aptGet(ctx, log, append([]string{"install", "--no-install-recommends"}, pkgs...)...)
	if err := errors.Join(err, quiet()); err != nil {
		return err
	}
	if pkgs := missing(needs, onMachine); len(pkgs) > 0 {
		return fmt.Errorf("installed, and yet missing: %s", strings.Join(pkgs, " "))
	}
	return nil
}

// cliPackage names the package of the docker command line, which Debian keeps
// apart from the engine since release 13; testing and unstable have no number.
func cliPackage(osRelease string) string {
	for line := range strings.Lines(osRelease) {
		v, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_ID=")
		if n, err := strconv.Atoi(strings.Trim(v, `"`)); ok && err == nil && n < 13 {
			return "docker.io"
		}
	}
	return "docker-cli"
}

// withoutServices keeps packages from starting the engines of the system,
// which nobody asked for. A policy that is there already is left alone.
func withoutServices(policy string) (undo func() error, err error) {
	f, err := os.OpenFile(policy, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keeping services from starting: %w", err)
	}
	_, err = f.WriteString("#!/bin/sh\nexit 101\n")
	if err := errors.Join(err, f.Chmod(0o755), f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("keeping services from starting: %w", err), os.Remove(policy))
	}
	return func() error { return os.Remove(policy) }, nil
}

// aptGet shows what apt-get printed only when it fails.
func aptGet(ctx context.Context, log io.Writer, args ...string) error {
	args = append([]string{"-q", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"}, args...)
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		_, _ = out.WriteTo(log)
		return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
