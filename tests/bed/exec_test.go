package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/tests/real"
)

func TestParseExec(t *testing.T) {
	command := []string{"go", "test", "--", "./..."}
	tests := []struct {
		args []string
		want execOptions
		err  bool
	}{
		{args: []string{"--"}, err: true},
		{args: []string{"go", "test"}, err: true},
		{args: []string{"--rootless", "--", "true"}, err: true},
		{args: append([]string{"--"}, command...), want: execOptions{docker: true, podman: true, command: command}},
		{args: append([]string{"--podman", "--"}, command...), want: execOptions{podman: true, command: command}},
		{
			args: append([]string{"--docker", "--with-images", "--"}, command...),
			want: execOptions{docker: true, images: true, command: command},
		},
	}
	for _, tt := range tests {
		got, err := parseExec(tt.args)
		if (err != nil) != tt.err || err != nil && !errors.Is(err, errUsage) {
			t.Errorf("parseExec(%q): error %v, want one: %v", tt.args, err, tt.err)
		}
		if err == nil && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("parseExec(%q) = %+v, want %+v", tt.args, got, tt.want)
		}
	}
}

func TestStatus(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -TERM $$": 143} {
		cmd := exec.Command("sh", "-c", script)
		err := cmd.Run()
		if got, err := status(cmd.ProcessState, err); got != want || err != nil {
			t.Errorf("%s: status %d, %v; want %d", script, got, err, want)
		}
	}
}

// built is the command, built once for a test.
func built(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bed")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestExec runs engines of its own, beside those that all tests share.
func TestExec(t *testing.T) {
	real.Docker(t)
	real.Podman(t)
	bed := built(t)
	before := leftovers(t)

	t.Run("engines answer and the status is the command's", func(t *testing.T) {
		script := `docker -H $ATOMIC_TEST_DOCKER version -f server={{.Server.Version}} &&
			podman --url $ATOMIC_TEST_PODMAN version -f server={{.Server.Version}} &&
			echo "real=$ATOMIC_TEST_REAL hosts=$DOCKER_HOST$CONTAINER_HOST"; exit 42`
		out, err := execIn(t, bed, "--", "sh", "-c", script).Output()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 42 {
			t.Errorf("ended with %v, want status 42", err)
		}
		text := string(out)
		if strings.Count(text, "server=") != 2 || !strings.Contains(text, "real=1 hosts=\n") {
			t.Errorf("printed %q", text)
		}
	})
	t.Run("one engine", func(t *testing.T) {
		out, err := execIn(t, bed, "--podman", "--", "sh", "-c", "echo $ATOMIC_TEST_DOCKER,$ATOMIC_TEST_REAL").Output()
		if err != nil || string(out) != ",\n" {
			t.Errorf("printed %q, %v", out, err)
		}
	})
	t.Run("no such command", func(t *testing.T) {
		cmd := execIn(t, bed, "--podman", "--", "no-such-command")
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 127 {
			t.Errorf("status %d, want 127", code)
		}
	})
	t.Run("a signal reaches the command, and its daemons end too", func(t *testing.T) { testSignal(t, bed) })

	if after := leftovers(t); !reflect.DeepEqual(after, before) {
		t.Errorf("left behind: %v, before: %v", after, before)
	}
}

func testSignal(t *testing.T, bed string) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	script := `trap "exit 9" TERM; setsid sleep 1000 & echo $! >$0.new; mv $0.new $0; while :; do sleep 0.05; done`
	cmd := execIn(t, bed, "--podman", "--", "sh", "-c", script, pidFile)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for deadline := time.Now().Add(time.Minute); pid == 0; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		if time.Now().After(deadline) {
			t.Fatal("the command did not start")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 9 {
		t.Errorf("status %d, want 9", code)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the daemon %d of the command: %v, want it gone", pid, err)
	}
}

// execIn keeps the state in a directory that leftovers looks at.
func execIn(t *testing.T, bed string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(bed, append([]string{"exec"}, args...)...)
	cmd.Stderr = os.Stderr
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "ATOMIC_") && !strings.HasPrefix(name, "CONTAINER") && name != "DOCKER_HOST" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+stateParent)
	return cmd
}

const stateParent = "/var/tmp/bedtest"

func leftovers(t *testing.T) []string {
	t.Helper()
	if err := os.MkdirAll(stateParent, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(stateParent) })
	var left []string
	entries, err := os.ReadDir(stateParent)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, "directory "+e.Name())
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, stateParent) {
			left = append(left, "mount "+line)
		}
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range commands {
		if text, _ := os.ReadFile(file); strings.Contains(string(text), stateParent) {
			left = append(left, "process "+string(text))
		}
	}
	return left
}
