package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDemoTellsWhoCannotStartAnEngine types the demonstration as a user who
// reaches no engine: it ends before anything is installed, and says what to
// type instead.
func TestDemoTellsWhoCannotStartAnEngine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become a user who reaches no engine")
	}
	bed := built(t)
	for dir := filepath.Dir(bed); filepath.Clean(os.TempDir()) != dir; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bed, "demo", "atomic")
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != 1 {
		t.Errorf("status %d, %v; want 1", got, err)
	}
	if text := string(out); !strings.Contains(text, `sudo env "PATH=$PATH" make demo`) || strings.Contains(text, "apt-get") {
		t.Errorf("it says %q", text)
	}
}
