package system_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// aside is at the end of the name of what was moved out of the way.
const aside = ".before-atomic-test"

// setAside takes files and directories from the host for the time of the test,
// so that it begins without them. At its end, also when it fails, what it left
// there is removed, directories above included, and what was there is back. What
// a killed test has set aside comes back at the next.
func setAside(t testing.TB, paths ...string) {
	t.Helper()
	var made []string
	for _, path := range paths {
		made = append(made, missing(filepath.Dir(path))...)
	}
	slices.SortFunc(made, func(a, b string) int { return len(b) - len(a) }) // innermost first
	t.Cleanup(func() {
		for _, path := range paths {
			putBack(t, path)
		}
		for _, dir := range made {
			// It may be there for more than one of the paths.
			if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
				t.Errorf("cleaning up: %v", err)
			}
		}
	})
	for _, path := range paths {
		if isThere(path + aside) {
			putBack(t, path)
		}
		if isThere(path) {
			if err := os.Rename(path, path+aside); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// missing are those of dir and the directories above it that are not there.
func missing(dir string) []string {
	var dirs []string
	for !isThere(dir) {
		dirs = append(dirs, dir)
		dir = filepath.Dir(dir)
	}
	return dirs
}

// putBack makes a path what it was.
func putBack(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Errorf("cleaning up: %v", err)
	}
	if err := os.Rename(path+aside, path); err != nil && !os.IsNotExist(err) {
		t.Errorf("cleaning up: %v", err)
	}
}

func TestHostFilesComeBack(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(t *testing.T, name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "file", "of the host")
	write(t, "folder/file", "of the host")
	write(t, "killed", "of a test")
	write(t, "killed"+aside, "of the host")
	if err := os.Symlink("/nowhere", path("link")); err != nil {
		t.Fatal(err)
	}

	t.Run("test", func(t *testing.T) {
		names := []string{"file", "folder", "link", "killed", "none", "new/deep/one", "new/two"}
		var paths []string
		for _, name := range names {
			paths = append(paths, path(name))
		}
		setAside(t, paths...)
		for _, name := range names {
			if isThere(path(name)) {
				t.Errorf("%s is still there", name)
			}
		}
		for _, name := range names {
			write(t, name, "of the test")
		}
	})

	for _, name := range []string{"file", "folder/file", "killed"} {
		if text, err := os.ReadFile(path(name)); err != nil || string(text) != "of the host" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if target, err := os.Readlink(path("link")); err != nil || target != "/nowhere" {
		t.Errorf("link: %q, %v", target, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 4 {
		t.Errorf("left are %v, %v; want file, folder, killed and link", left, err)
	}
}
