package images

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A ProbeEnv is the machine that Probe looks at.
type ProbeEnv struct {
	Getenv func(string) string
	UID    int
	Root   string // put before every path, for tests; empty is /

	dial func(ctx context.Context, path string) (net.Conn, error) // nil connects
}

// dialTimeout is for connecting only, which takes the kernel microseconds
// unless the engine hangs.
const dialTimeout = time.Second

// Probe gathers the facts for Detect: it connects to the sockets where engines
// usually listen, and says nothing to them, and looks for programs in $PATH.
// No process is started. The sockets of an engine whose address is in the
// environment are left alone.
func Probe(ctx context.Context, env ProbeEnv) Probes {
	if env.dial == nil {
		env.dial = dialUnix
	}
	p := Probes{
		DockerHost:    env.Getenv("DOCKER_HOST"),
		ContainerHost: env.Getenv("CONTAINER_HOST"),
		UID:           env.UID,
		PodmanProgram: env.program("podman"),
		DockerProgram: env.program("docker"),
	}
	for _, name := range []string{"rpm-ostree", "apt-get", "dnf"} {
		if env.program(name) != "" {
			p.Installer = name
			break
		}
	}
	for _, s := range env.sockets() {
		if s.Kind == Docker && p.DockerHost == "" || s.Kind == Podman && p.ContainerHost == "" {
			p.Sockets = append(p.Sockets, s)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var dials sync.WaitGroup
	for i := range p.Sockets {
		dials.Go(func() { p.Sockets[i].try(ctx, env.dial) })
	}
	dials.Wait()
	return p
}

// sockets are the usual places, best first.
func (env ProbeEnv) sockets() []Socket {
	var sockets []Socket
	add := func(kind Kind, path string, rootless bool) {
		sockets = append(sockets, Socket{Kind: kind, URL: "unix://" + env.path(path), Rootless: rootless})
	}
	if env.UID == 0 {
		add(Podman, "/run/podman/podman.sock", false)
	} else {
		runtimeDir := env.Getenv("XDG_RUNTIME_DIR")
		if runtimeDir == "" {
			runtimeDir = filepath.Join("/run/user", strconv.Itoa(env.UID))
		}
		add(Podman, filepath.Join(runtimeDir, "podman/podman.sock"), true)
		add(Docker, filepath.Join(runtimeDir, "docker.sock"), true)
	}
	add(Docker, "/var/run/docker.sock", false)
	if !sameFile(env.path("/var/run"), env.path("/run")) {
		add(Docker, "/run/docker.sock", false)
	}
	return sockets
}

// path gives the place of a file of the machine.
func (env ProbeEnv) path(name string) string { return filepath.Join(env.Root, "/", name) }

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// program looks a program up in $PATH. Entries that depend on the working
// directory do not count: root should not run what lies about there.
func (env ProbeEnv) program(name string) string {
	for _, dir := range filepath.SplitList(env.Getenv("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		file := filepath.Join(env.path(dir), name)
		info, err := os.Stat(file)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return file
		}
	}
	return ""
}

func dialUnix(ctx context.Context, path string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", path)
}

// try finds out whether something listens on the socket.
func (s *Socket) try(ctx context.Context, dial func(context.Context, string) (net.Conn, error)) {
	path := s.URL[len("unix://"):]
	info, err := os.Stat(path)
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		s.State, s.Err = SocketRefused, errors.New("not a socket")
		return
	}
	if err == nil {
		var conn net.Conn
		if conn, err = dial(ctx, path); err == nil {
			err = conn.Close()
		}
	}
	s.State, s.Err = socketState(err), reason(err)
}

// socketState classifies the error of an attempt to connect.
func socketState(err error) SocketState {
	var netErr net.Error
	switch {
	case err == nil:
		return SocketAnswers
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return SocketAbsent
	case errors.Is(err, fs.ErrPermission):
		return SocketDenied
	// A unix socket whose queue is full says so instead of letting one wait.
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, context.Canceled), errors.As(err, &netErr) && netErr.Timeout():
		return SocketTimeout
	}
	return SocketRefused
}

// reason takes the operation and path away that the socket already tells.
func reason(err error) error {
	var errno syscall.Errno
	switch {
	case socketState(err) == SocketTimeout:
		return errors.New("no answer")
	case errors.As(err, &errno):
		return errno
	}
	return err
}
