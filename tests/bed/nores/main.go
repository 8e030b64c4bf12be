// Command nores is an OCI runtime for engines that run without
// CAP_SYS_RESOURCE, as root in a container often does. A privileged container
// asks for every capability, and runc cannot give away one that it has not:
// so nores takes that one out of the bundle's config.json (and out of the
// process file of an exec), and becomes runc.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	err := run(os.Args[1:])
	fmt.Fprintf(os.Stderr, "nores: %v\n", err)
	os.Exit(1)
}

// run returns only when there was an error.
func run(args []string) error {
	if file, inConfig := edited(args); file != "" {
		if err := edit(file, inConfig); err != nil {
			return fmt.Errorf("removing a capability from %q: %w", file, err)
		}
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin", "/usr/bin") {
		// Exec fails without harm where there is no such file.
		path := filepath.Join(dir, "runc")
		if err := syscall.Exec(path, append([]string{"runc"}, args...), os.Environ()); err != syscall.ENOENT {
			return fmt.Errorf("executing %q: %w", path, err)
		}
	}
	return fmt.Errorf("runc is in no directory of PATH")
}
