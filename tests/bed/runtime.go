package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

func (b *bed) runtime() string { return filepath.Join(b.state.dir, "nores") }

// buildRuntime builds the OCI runtime of tests/bed/nores.
func (b *bed) buildRuntime(ctx context.Context) error {
	// git, and so go, may refuse the tree of another user.
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", b.runtime(),
		"github.com/projectatomic/atomic/tests/bed/nores")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := b.procs.output(cmd); err != nil {
		return fmt.Errorf("building the runtime of the engines: %w\n%s", err, out)
	}
	return nil
}
