package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// longest is how long the path of the state may be: that of a socket has room
// for 107 bytes, and the engines put some of their own deep below it.
const longest = 40

// A state is the directory that holds all of the engines: data, sockets, logs.
type state struct {
	dir  string
	keep bool     // between calls
	lock *os.File // of a directory that is kept
}

func openState() (*state, error) {
	if dir := os.Getenv("ATOMIC_BED_DIR"); dir != "" {
		return openKept(dir)
	}
	parent := os.Getenv("TMPDIR")
	if parent == "" || len(parent)+len("/bed0123456789") > longest {
		parent = "/var/tmp"
	}
	dir, err := os.MkdirTemp(parent, "bed")
	if err != nil {
		return nil, fmt.Errorf("making a place for the engines: %w", err)
	}
	return &state{dir: dir}, nil
}

func openKept(dir string) (*state, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("$ATOMIC_BED_DIR: %w", err)
	}
	if len(dir) > longest {
		return nil, fmt.Errorf("$ATOMIC_BED_DIR is %q: sockets in it would have paths of more than the 107 bytes allowed", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("$ATOMIC_BED_DIR: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("$ATOMIC_BED_DIR: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("$ATOMIC_BED_DIR %q is used by another bed: %w", dir, err), lock.Close())
	}
	return &state{dir: dir, keep: true, lock: lock}, nil
}

// path is below the directory; its own directory is made.
func (s *state) path(elem ...string) (string, error) {
	path := filepath.Join(append([]string{s.dir}, elem...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("making a place for the engines: %w", err)
	}
	return path, nil
}

// subdir makes a directory below the directory.
func (s *state) subdir(elem ...string) (string, error) {
	path := filepath.Join(append([]string{s.dir}, elem...)...)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("making a place for the engines: %w", err)
	}
	return path, nil
}

// write makes a file below the directory and returns its path.
func (s *state) write(text string, elem ...string) (string, error) {
	path, err := s.path(elem...)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("making a place for the engines: %w", err)
	}
	return path, nil
}

// close unmounts what engines left mounted and removes the directory, unless
// it is kept.
func (s *state) close() error {
	if err := unmountBelow(s.dir); err != nil {
		// Removing would reach into whatever is mounted.
		return err
	}
	if s.keep {
		return s.lock.Close()
	}
	return os.RemoveAll(s.dir)
}

func unmountBelow(dir string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return fmt.Errorf("listing mounts below %q: %w", dir, err)
	}
	// The later one may stand on the earlier.
	for _, m := range slices.Backward(mounts) {
		err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if err != nil && !errors.Is(err, unix.EINVAL) { // not mounted any more
			return fmt.Errorf("unmounting %q: %w", m.Mountpoint, err)
		}
	}
	return nil
}
