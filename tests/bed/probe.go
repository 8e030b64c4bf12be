package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A machine is what decides how the engines are started on it.
type machine struct {
	noResource bool // this process lacks CAP_SYS_RESOURCE
	cgroup2    bool // only version 2 is mounted: crun refuses a mixture
	systemd    bool // is process 1
	overlay    bool // can be mounted where the state is
	files      uint64
	processes  uint64 // hard limits on both
}

func probe(dir string) machine {
	m := machine{overlay: overlayWorks(dir)}
	var header unix.CapUserHeader
	var data [2]unix.CapUserData
	header.Version = unix.LINUX_CAPABILITY_VERSION_3
	if err := unix.Capget(&header, &data[0]); err == nil {
		m.noResource = data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) == 0
	}
	var fs unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &fs); err == nil {
		m.cgroup2 = fs.Type == unix.CGROUP2_SUPER_MAGIC
	}
	_, err := os.Stat("/run/systemd/system")
	m.systemd = err == nil
	m.files = hardLimit(unix.RLIMIT_NOFILE)
	// A process may be allowed more processes than there can be, but an
	// engine may not ask for that.
	m.processes = min(hardLimit(unix.RLIMIT_NPROC), maxPID())
	return m
}

func hardLimit(resource int) uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(resource, &limit); err != nil {
		return 1024
	}
	return limit.Max
}

func maxPID() uint64 {
	text, err := os.ReadFile("/proc/sys/kernel/pid_max")
	if err != nil {
		return 32768
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 32768
	}
	return n
}

// overlayWorks tries: an overlay cannot stand on another overlay, nor on some
// network file systems.
func overlayWorks(dir string) bool {
	root, err := os.MkdirTemp(dir, "overlay")
	if err != nil {
		return false
	}
	defer os.RemoveAll(root)
	var errs []error
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		errs = append(errs, os.Mkdir(filepath.Join(root, name), 0o700))
	}
	if errors.Join(errs...) != nil {
		return false
	}
	merged := filepath.Join(root, "merged")
	options := "lowerdir=" + root + "/lower,upperdir=" + root + "/upper,workdir=" + root + "/work"
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		return false
	}
	return unix.Unmount(merged, unix.MNT_DETACH) == nil
}

// reasons is one line that tells how the engines are started, and why.
func (m machine) reasons() string {
	var out []string
	say := func(when bool, yes, no string) {
		if when {
			out = append(out, yes)
		} else {
			out = append(out, no)
		}
	}
	say(m.overlay, "overlay storage", "plain storage (overlay cannot be mounted here)")
	say(m.noResource, "runc behind a wrapper (no CAP_SYS_RESOURCE here)", "the engines' own runtimes")
	say(m.cgroup2, "cgroup v2", "cgroup v1, so runc for podman as well")
	say(m.systemd, "systemd", "no systemd, so cgroups as files")
	return strings.Join(out, "; ")
}
