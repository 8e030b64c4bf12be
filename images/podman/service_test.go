package podman

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
	"github.com/projectatomic/atomic/tests/real"
)

// The roles that the test program plays instead of podman or of a user.
const roleVariable = "PODMAN_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	play, ok := roles()[role]
	switch {
	case role == "":
		os.Exit(m.Run())
	case !ok:
		os.Exit(99)
	}
	play()
}

func roles() map[string]func() {
	return map[string]func(){
		"service": pretend,
		"stubborn": func() {
			signal.Ignore(syscall.SIGTERM)
			pretend()
		},
		"broken": func() {
			fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 2000)+"no space left")
			os.Exit(125)
		},
		"mute":    func() { time.Sleep(time.Minute) },
		"starter": starter,
	}
}

// pretend is a service that answers a ping.
func pretend() {
	uri := os.Args[len(os.Args)-1]
	want := []string{"system", "service", "--time=0"}
	if got := strings.Join(os.Args[1:len(os.Args)-1], " "); got != strings.Join(want, " ") {
		fmt.Fprintln(os.Stderr, "unexpected arguments", os.Args)
		os.Exit(2)
	}
	l, err := net.Listen("unix", strings.TrimPrefix(uri, "unix://"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	http.Serve(l, http.HandlerFunc(ping))
}

func ping(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Libpod-API-Version", "4.3.1")
	fmt.Fprint(w, "OK")
}

// starter starts a service, says where it is and waits to be killed.
func starter() {
	os.Setenv(roleVariable, "service")
	uri, _, err := Serve(context.Background(), os.Args[0])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(uri)
	select {}
}

// serve serves with the test program in a role.
func serve(t *testing.T, role string) (string, func() error, error) {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", shortDir(t))
	t.Setenv(roleVariable, role)
	return Serve(t.Context(), os.Args[0])
}

// shortDir is a directory for sockets; the test's own have long names.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestServe(t *testing.T) {
	uri, stop, err := serve(t, "service")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(strings.TrimPrefix(uri, "unix://"))
	if filepath.Dir(dir) != os.Getenv("XDG_RUNTIME_DIR") {
		t.Errorf("the socket is in %s, want it in XDG_RUNTIME_DIR", dir)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory of the socket: %v, %v; want mode 0700", info, err)
	}
	e := open(t, uri)
	if err := e.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory of the socket after the end: %v", err)
	}
	if err := open(t, uri).Ping(t.Context()); !errors.Is(err, images.ErrUnreachable) {
		t.Errorf("asking a service that was stopped: %v", err)
	}
}

func TestServeFails(t *testing.T) {
	_, _, err := serve(t, "broken")
	if err == nil || !strings.HasSuffix(err.Error(), "no space left") || len(err.Error()) > 5000 {
		t.Errorf("got error %.200v, want the end of what the service said", err)
	}
	if left, _ := os.ReadDir(os.Getenv("XDG_RUNTIME_DIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, _, err := Serve(t.Context(), "/no/such/program"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestServeIsImpatient(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", shortDir(t))
	t.Setenv(roleVariable, "mute")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := Serve(ctx, os.Args[0]); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want that of the context", err)
	}
}

// A service ends with who started it, even if that one is killed.
func TestServiceDiesWithStarter(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=starter", "XDG_RUNTIME_DIR="+shortDir(t))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 200)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	uri := strings.TrimSpace(string(buf[:n]))
	if err := open(t, uri).Ping(t.Context()); err != nil {
		t.Fatalf("%s: %v", uri, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err := open(t, uri).Ping(t.Context()); errors.Is(err, images.ErrUnreachable) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the service lives on")
		}
	}
}

func TestStopKills(t *testing.T) {
	t.Setenv(roleVariable, "stubborn")
	uri := "unix://" + shortDir(t) + "/s"
	s, err := start(os.Args[0], uri)
	if err != nil {
		t.Fatal(err)
	}
	s.ending = 50 * time.Millisecond
	if err := s.answers(t.Context(), uri); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if s.err == nil || s.err.Error() != "signal: killed" {
		t.Errorf("it ended with %v, want that it was killed", s.err)
	}
}

// privatePodman is a podman with a storage of its own, in temporary places.
func privatePodman(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("podman")
	if err != nil {
		t.Skip("there is no podman to serve with")
	}
	var files, processes syscall.Rlimit
	const rlimitNproc = 6
	if err := errors.Join(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files), syscall.Getrlimit(rlimitNproc, &processes)); err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	conf := fmt.Sprintf("[containers]\ndefault_ulimits=[\"nofile=%d:%[1]d\",\"nproc=%d:%[2]d\"]\n"+
		"[engine]\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n", min(files.Max, 1000), min(processes.Max, 1000))
	if _, err := exec.LookPath("runc"); err == nil {
		conf += "runtime=\"runc\"\n"
	}
	script := fmt.Sprintf("#!/bin/sh\nexport CONTAINERS_CONF=%s/conf\n"+
		"exec %s --root %[1]s/root --runroot %[1]s/run --tmpdir %[1]s/tmp --storage-driver vfs \"$@\"\n", dir, program)
	wrapper := filepath.Join(dir, "podman")
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o600),
		os.WriteFile(wrapper, []byte(script), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	return wrapper
}

// Containers outlive a real service that was started for them.
func TestServeReal(t *testing.T) {
	real.Podman(t)
	program := privatePodman(t)
	serve := func() (*Engine, func() error) {
		uri, stop, err := Serve(t.Context(), program)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stop() })
		return open(t, uri), stop
	}
	e, stop := serve()
	spec := run.Spec{Name: "stays", Image: loadImage(t, e), Args: []string{"sleep", "1000"}, Networks: []run.Network{{Name: "host"}}}
	id, _, err := e.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		uri, stop, err := Serve(context.WithoutCancel(t.Context()), program)
		if err != nil {
			t.Error(err)
			return
		}
		defer stop()
		open(t, uri).remove(t, id)
	})
	if err := e.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	e, _ = serve()
	c, err := e.Container(t.Context(), "stays")
	if err != nil || c.State != images.Running {
		t.Errorf("under the next service the container is %s, %v", c.State, err)
	}
}
