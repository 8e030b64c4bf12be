package images

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// machine makes an empty root; its name is short, because the address of a
// unix socket is.
func machine(t testing.TB, dirs ...string) string {
	t.Helper()
	root, err := os.MkdirTemp("", "m")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	for _, dir := range append(dirs, "/run/podman", "/var", "/usr/bin") {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../run", filepath.Join(root, "var/run")); err != nil {
		t.Fatal(err)
	}
	return root
}

// listen puts an engine's socket there.
func listen(t testing.TB, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// stale leaves the file of a socket on which nobody listens any more.
func stale(t *testing.T, path string) {
	t.Helper()
	l := listen(t, path)
	l.SetUnlinkOnClose(false)
	l.Close()
}

// crowd makes a socket whose queue is full.
func crowd(t *testing.T, path string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		t.Cleanup(func() { syscall.Close(fd) })
		err = errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0))
	}
	for err == nil {
		var conn net.Conn
		if conn, err = net.Dial("unix", path); err == nil {
			t.Cleanup(func() { conn.Close() })
		}
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Fatal(err)
	}
}

func write(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, nil, mode); err != nil {
		t.Fatal(err)
	}
}

func getenv(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// diffSockets compares all but the errors.
func diffSockets(want, got []Socket) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(Socket{}, "Err"), cmpopts.EquateEmpty())
}

func TestProbeRoot(t *testing.T) {
	root := machine(t)
	podmanURL, dockerURL := "unix://"+root+"/run/podman/podman.sock", "unix://"+root+"/var/run/docker.sock"
	listen(t, root+"/run/podman/podman.sock")
	stale(t, root+"/run/docker.sock")
	write(t, root+"/usr/bin/podman", 0o755)
	write(t, root+"/usr/bin/docker", 0o644) // not a program
	write(t, root+"/usr/bin/dnf", 0o755)

	got := Probe(t.Context(), ProbeEnv{Getenv: getenv(map[string]string{"PATH": "bin:/nowhere:/usr/bin"}), Root: root})
	want := []Socket{
		{Kind: Podman, URL: podmanURL, State: SocketAnswers},
		{Kind: Docker, URL: dockerURL, State: SocketRefused},
	}
	if diff := diffSockets(want, got.Sockets); diff != "" {
		t.Error(diff)
	}
	if got.Sockets[0].Err != nil || !errors.Is(got.Sockets[1].Err, syscall.ECONNREFUSED) {
		t.Errorf("errors: %v, %v", got.Sockets[0].Err, got.Sockets[1].Err)
	}
	if got.PodmanProgram != root+"/usr/bin/podman" || got.DockerProgram != "" || got.Installer != "dnf" {
		t.Errorf("programs: %q, %q, %q", got.PodmanProgram, got.DockerProgram, got.Installer)
	}
	choice, err := Detect(got)
	if err != nil || choice.URL != podmanURL {
		t.Errorf("choice: %v, %v", choice, err)
	}
}

func TestProbeUser(t *testing.T) {
	for name, vars := range map[string]map[string]string{
		"with XDG_RUNTIME_DIR": {"XDG_RUNTIME_DIR": "/mine"},
		"without":              nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := "/run/user/7"
			if vars != nil {
				dir = "/mine"
			}
			root := machine(t, dir+"/podman")
			write(t, root+dir+"/podman/podman.sock", 0o644) // not a socket
			crowd(t, root+dir+"/docker.sock")
			got := Probe(t.Context(), ProbeEnv{Getenv: getenv(vars), UID: 7, Root: root})
			want := []Socket{
				{Kind: Podman, URL: "unix://" + root + dir + "/podman/podman.sock", Rootless: true, State: SocketRefused},
				{Kind: Docker, URL: "unix://" + root + dir + "/docker.sock", Rootless: true, State: SocketTimeout},
				{Kind: Docker, URL: "unix://" + root + "/var/run/docker.sock", State: SocketAbsent},
			}
			if diff := diffSockets(want, got.Sockets); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProbeSeparateVarRun(t *testing.T) {
	root := machine(t)
	if err := errors.Join(os.Remove(root+"/var/run"), os.Mkdir(root+"/var/run", 0o755)); err != nil {
		t.Fatal(err)
	}
	listen(t, root+"/run/docker.sock")
	choice, err := Detect(Probe(t.Context(), ProbeEnv{Getenv: getenv(nil), Root: root}))
	if err != nil || choice.URL != "unix://"+root+"/run/docker.sock" {
		t.Errorf("got %v, %v", choice, err)
	}
}

func TestProbeDialErrors(t *testing.T) {
	tests := map[string]struct {
		err  error
		want SocketState
	}{
		"denied":   {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}, SocketDenied},
		"gone":     {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENOENT)}, SocketAbsent},
		"deadline": {context.DeadlineExceeded, SocketTimeout},
		"canceled": {context.Canceled, SocketTimeout},
		"other":    {errors.New("other"), SocketRefused},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := machine(t)
			listen(t, root+"/run/docker.sock")
			env := ProbeEnv{Getenv: getenv(nil), Root: root}
			env.dial = func(context.Context, string) (net.Conn, error) { return nil, test.err }
			got := Probe(t.Context(), env).Sockets[1]
			if got.State != test.want || got.Err == nil {
				t.Errorf("got %s, %v", got.State, got.Err)
			}
		})
	}
}

// A dial that ends only with its context must end.
func TestProbeDeadline(t *testing.T) {
	root := machine(t)
	listen(t, root+"/run/docker.sock")
	env := ProbeEnv{Getenv: getenv(nil), Root: root}
	env.dial = func(ctx context.Context, _ string) (net.Conn, error) {
		if _, ok := ctx.Deadline(); !ok {
			return nil, errors.New("no deadline")
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := Probe(ctx, env).Sockets[1]; got.State != SocketTimeout {
		t.Errorf("got %s, %v", got.State, got.Err)
	}
}

func TestProbeVariables(t *testing.T) {
	for name, test := range map[string]struct {
		vars map[string]string
		want []Kind // dialled
	}{
		"docker's": {map[string]string{"DOCKER_HOST": "x"}, []Kind{Podman}},
		"podman's": {map[string]string{"CONTAINER_HOST": "x"}, []Kind{Docker}},
		"both":     {map[string]string{"CONTAINER_HOST": "x", "DOCKER_HOST": "y"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Probe(t.Context(), ProbeEnv{Getenv: getenv(test.vars), Root: machine(t)})
			var kinds []Kind
			for _, s := range got.Sockets {
				kinds = append(kinds, s.Kind)
			}
			if diff := cmp.Diff(test.want, kinds); diff != "" {
				t.Error(diff)
			}
			if got.DockerHost != test.vars["DOCKER_HOST"] || got.ContainerHost != test.vars["CONTAINER_HOST"] {
				t.Errorf("got %q, %q", got.DockerHost, got.ContainerHost)
			}
		})
	}
}

func BenchmarkProbe(b *testing.B) {
	root := machine(b)
	l := listen(b, root+"/run/podman/podman.sock")
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	env := ProbeEnv{Getenv: getenv(map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"}), Root: root}
	for b.Loop() {
		Probe(b.Context(), env)
	}
}
