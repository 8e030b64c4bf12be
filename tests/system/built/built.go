// Package built builds the command as it is shipped, once for a package of
// tests, and gives it worlds to run in: a real engine, no terminal and files
// of its own.
package built

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// variable names the program that is tested. When it is set before the tests
// start, that program is tested and nothing is built.
const variable = "ATOMIC_TEST_PROGRAM"

// Main is the TestMain of a package whose tests run the command.
func Main(m *testing.M) {
	if os.Getenv(variable) != "" {
		m.Run()
		return
	}
	dir, err := os.MkdirTemp("", "atomic")
	if err == nil {
		err = build(filepath.Join(dir, "atomic"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// The status of the tests is kept by m until Main returns.
	defer os.RemoveAll(dir)
	os.Setenv(variable, filepath.Join(dir, "atomic"))
	m.Run()
}

// build builds with the tags that this test was built with, and without cgo.
func build(program string) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("building atomic: the test does not know how it was built")
	}
	args := []string{"build", "-trimpath", "-o", program}
	for _, s := range info.Settings {
		if s.Key == "-tags" {
			args = append(args, "-tags", s.Value)
		}
	}
	cmd := exec.Command("go", append(args, "github.com/projectatomic/atomic/atomic")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building atomic: %w\n%s", err, out)
	}
	return nil
}
