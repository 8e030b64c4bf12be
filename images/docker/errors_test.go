package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"

	"github.com/projectatomic/atomic/images"
)

// sentinels are all that a caller decides by.
var sentinels = []error{
	images.ErrNotFound, images.ErrConflict, images.ErrUnreachable, images.ErrDenied, images.ErrUnauthorized,
	images.ErrTimeout, images.ErrProgramNotFound, images.ErrProgramNotExecutable,
}

// wantKind checks that err is of one kind and no other; nil is of none.
func wantKind(t *testing.T, what string, err, kind error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %v", what, kind)
	}
	for _, s := range sentinels {
		if errors.Is(err, s) != (s == kind) {
			t.Errorf("%s: error %v is %q: %v", what, err, s, errors.Is(err, s))
		}
	}
}

// TestProgramKind has the words of runc and crun, old and new, that engines
// were seen to pass on.
func TestProgramKind(t *testing.T) {
	const runc = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
	for _, c := range []struct {
		text string
		kind error
	}{
		{runc + `exec: "nosuch": executable file not found in $PATH: unknown`, images.ErrProgramNotFound},
		{runc + `exec: "/no/such": stat /no/such: no such file or directory: unknown`, images.ErrProgramNotFound},
		{runc + `exec: "/etc": permission denied: unknown`, images.ErrProgramNotExecutable},
		{runc + `exec: "/etc": is a directory: unknown`, images.ErrProgramNotExecutable},
		{runc + `exec: "/etc/passwd/x": stat /etc/passwd/x: not a directory: unknown`, images.ErrProgramNotExecutable},
		{runc + `exec: "/bin/sh": stat /bin/sh: too many levels of symbolic links: unknown`, images.ErrProgramNotExecutable},
		{runc + `error during container init: exec: "/bad": exec format error: unknown`, images.ErrProgramNotExecutable},
		{`OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown`, images.ErrProgramNotFound},
		{`OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "a b": executable file not found in $PATH: unknown`, images.ErrProgramNotFound},
		{`OCI runtime create failed: container_linux.go:349: starting container process caused "exec: \"nosuch\": executable file not found in $PATH": unknown`, images.ErrProgramNotFound},
		{`oci runtime error: container_linux.go:247: starting container process caused "exec: \"/etc\": permission denied"` + "\n", images.ErrProgramNotExecutable},
		{"OCI runtime create failed: crun: executable file `nosuch` not found in $PATH: No such file or directory: unknown", images.ErrProgramNotFound},
		{"crun: executable file 'nosuch' not found: No such file or directory", images.ErrProgramNotFound},
		{"crun: open executable: Permission denied: OCI permission denied", images.ErrProgramNotExecutable},
		{"crun: exec container process `/bin/bad`: Exec format error", images.ErrProgramNotExecutable},
		{"crun: exec container process (missing dynamic library?) `/bin/x`: No such file or directory", images.ErrProgramNotFound},

		{runc + `error during container init: error mounting "/nosuch" to rootfs at "/x": stat /nosuch: no such file or directory: unknown`, nil},
		{runc + `chdir to cwd ("/nosuch") set in config.json failed: no such file or directory: unknown`, nil},
		{runc + "unable to apply caps: operation not permitted: unknown", nil},
		{`error while mounting volume: stat /exec: no such file or directory`, nil},
		{"crun: mount `/nosuch` to `x`: No such file or directory", nil},
		{"", nil},
	} {
		if got := programKind(c.text); got != c.kind {
			t.Errorf("%q: got %v, want %v", c.text, got, c.kind)
		}
	}
}

func TestTranslate(t *testing.T) {
	status := func(kind error, text string) error { return fmt.Errorf("%w: %s%s", kind, daemonSays, text) }
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", err)}
	}
	for _, c := range []struct {
		what string
		err  error
		kind error
	}{
		{"not found", status(cerrdefs.ErrNotFound, "No such image: x"), images.ErrNotFound},
		{"no such route", status(cerrdefs.ErrNotFound, "page not found"), nil},
		{"conflict", status(cerrdefs.ErrConflict, "in use"), images.ErrConflict},
		{"forbidden", status(cerrdefs.ErrPermissionDenied, "authorization denied by plugin"), images.ErrDenied},
		{"who are you", status(cerrdefs.ErrUnauthenticated, "login"), images.ErrDenied},
		{"fault of the engine", status(cerrdefs.ErrInternal, "connect: connection refused"), nil},
		{"bad request", status(cerrdefs.ErrInvalidArgument, "invalid reference format"), nil},
		{"no socket", dial(syscall.ENOENT), images.ErrUnreachable},
		{"nobody listens", dial(syscall.ECONNREFUSED), images.ErrUnreachable},
		{"closed door", dial(syscall.EACCES), images.ErrDenied},
		{"end", io.EOF, images.ErrUnreachable},
		{"early end", fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), images.ErrUnreachable},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, images.ErrUnreachable},
		{"broken pipe", &net.OpError{Op: "write", Err: syscall.EPIPE}, images.ErrUnreachable},
		{"broken pipe of the caller", callerError{syscall.EPIPE}, nil},
		{"end of the caller's file", callerError{io.ErrUnexpectedEOF}, nil},
		{"file that is not there", os.ErrNotExist, nil},
		{"too long", fmt.Errorf("reading: %w", errTooLong), nil},
	} {
		err := translate("doing it", c.err)
		wantKind(t, c.what, err, c.kind)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: the cause was lost", c.what)
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{translate("inspecting image \"x\"", fmt.Errorf("%sNo such image: x", daemonSays)), `inspecting image "x": No such image: x`},
		{translate("doing", io.ErrUnexpectedEOF), "doing: engine unreachable: unexpected EOF"},
		{&callError{doing: "doing", kind: images.ErrTimeout, err: noAnswer(30 * time.Second)}, "doing: deadline exceeded: no answer from the engine within 30s"},
		{&callError{doing: "doing", kind: images.ErrTimeout, err: noByte(2 * time.Minute)}, "doing: deadline exceeded: not a byte from the engine for 2m0s"},
		{&callError{doing: "doing", err: context.Canceled}, "doing: context canceled"},
		{translate("doing", &callError{kind: images.ErrUnreachable, err: errors.New("not Docker")}), "doing: engine unreachable: not Docker"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestPullKind has what registries were seen to say, through the engine.
func TestPullKind(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind error
	}{
		{errors.New(`Head "http://127.0.0.1:5000/v2/x/manifests/latest": no basic auth credentials`), images.ErrUnauthorized},
		{errors.New("unauthorized: authentication required"), images.ErrUnauthorized},
		{fmt.Errorf("%w: pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied", cerrdefs.ErrNotFound), images.ErrUnauthorized},
		{fmt.Errorf("%w: manifest for x:y not found: manifest unknown: manifest unknown", cerrdefs.ErrNotFound), images.ErrNotFound},
		{errors.New("manifest unknown: manifest unknown"), images.ErrNotFound},
		{errors.New("Get \"https://x/v2/\": dial tcp: connect: connection refused"), nil},
		{errors.New("filesystem layer verification failed for digest sha256:0"), nil},
		{io.ErrUnexpectedEOF, images.ErrUnreachable},
	} {
		wantKind(t, c.err.Error(), translate("pulling", pullKind(c.err)), c.kind)
	}
}

func TestDetachKeys(t *testing.T) {
	for text, want := range map[string]string{
		"": "\x10\x11", "a": "a", "ctrl-a": "\x01", "ctrl-Z,q": "\x1aq", "ctrl-@": "\x00", "ctrl-_": "\x1f", "ctrl-[,x,y": "\x1bxy", "DEL": "\x7f",
	} {
		got, err := detachKeys(text)
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{",", "ab", "ctrl-", "ctrl-ab", "ctrl-1", "a,", "ctrl-ä"} {
		if got, err := detachKeys(text); err == nil {
			t.Errorf("%q: got %q and no error", text, got)
		}
	}
}

func TestSplitCommand(t *testing.T) {
	for text, want := range map[string][]string{
		"":                         nil,
		"sh ":                      {"sh"},
		"sleep 1000":               {"sleep", "1000"},
		"sh -c 'echo a; echo b' x": {"sh", "-c", "echo a; echo b", "x"},
		"sh -c 'echo a'":           {"sh", "-c", "echo a"},
		"a 'it is' 'so it is'":     {"a", "it is", "so it is"},
		"'/a program' x":           {"/a program", "x"},
		"echo don't do":            {"echo", "don't", "do"},
		"echo 'open":               {"echo", "'open"},
	} {
		if got := splitCommand(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
