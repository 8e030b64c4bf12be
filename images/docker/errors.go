package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// A callError is what became of a call to the engine.
type callError struct {
	doing string // what was attempted, and on what
	kind  error  // a sentinel of images, or nil
	err   error
}

// daemonSays is what the client puts before the engine's own words.
const daemonSays = "Error response from daemon: "

func (e *callError) Error() string {
	text := strings.Replace(e.err.Error(), daemonSays, "", 1)
	// The other kinds show in the engine's own words.
	if errors.Is(e.kind, images.ErrUnreachable) || errors.Is(e.kind, images.ErrTimeout) {
		text = e.kind.Error() + ": " + text
	}
	if e.doing == "" {
		return text
	}
	return e.doing + ": " + text
}

// Unwrap gives the sentinel and the cause.
func (e *callError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.err}
	}
	return []error{e.kind, e.err}
}

// A timeout is the cause of a context that ended by a deadline of the Engine.
type timeout struct {
	what  string
	after time.Duration
}

func noAnswer(after time.Duration) timeout { return timeout{"no answer from the engine within", after} }

func noByte(after time.Duration) timeout { return timeout{"not a byte from the engine for", after} }

func (t timeout) Error() string { return fmt.Sprintf("%s %v", t.what, t.after) }

// A callerError comes from a reader or a writer of the caller.
type callerError struct{ err error }

func (e callerError) Error() string { return e.err.Error() }
func (e callerError) Unwrap() error { return e.err }

// errNonsense is the error of an answer that lacks what is always there.
var errNonsense = errors.New("the engine's answer makes no sense")

// translate gives err one of the sentinels of images, where one fits.
func translate(doing string, err error) error {
	var inner *callError
	if errors.As(err, &inner) && inner.doing == "" {
		return &callError{doing: doing, kind: inner.kind, err: inner.err}
	}
	return &callError{doing: doing, kind: kindOf(err), err: err}
}

func kindOf(err error) error {
	var from callerError
	if errors.As(err, &from) {
		return nil
	}
	if kind := connectionKind(err); kind != nil {
		return kind
	}
	switch {
	case cerrdefs.IsNotFound(err):
		if isRoute(err.Error()) {
			return nil
		}
		return images.ErrNotFound
	case cerrdefs.IsConflict(err):
		return images.ErrConflict
	case cerrdefs.IsPermissionDenied(err), cerrdefs.IsUnauthorized(err):
		return images.ErrDenied
	}
	return nil
}

// connectionKind is the kind of an error of the connection; nil is another
// error.
func connectionKind(err error) error {
	if errors.Is(err, errTooLong) {
		return nil
	}
	var op *net.OpError
	dialled := errors.As(err, &op) && op.Op == "dial"
	switch {
	// The client swallows the cause and leaves its own words.
	case client.IsErrConnectionFailed(err) && strings.Contains(err.Error(), "permission denied"),
		dialled && errors.Is(err, os.ErrPermission):
		return images.ErrDenied
	case client.IsErrConnectionFailed(err), dialled,
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return images.ErrUnreachable
	}
	return nil
}

// notDocker is the error of a greeting that went wrong. A status that has a
// meaning in the API has none yet.
func notDocker(err error) error {
	kind := connectionKind(err)
	switch {
	case kind != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case cerrdefs.IsPermissionDenied(err), cerrdefs.IsUnauthorized(err):
		kind = images.ErrDenied
	default:
		kind = images.ErrUnreachable
	}
	return &callError{kind: kind, err: err}
}

// refused is the error of a connection that the engine does not hand over.
func refused(status int, words string) error {
	var kind error
	switch {
	case status == http.StatusNotFound && !isRoute(words):
		kind = images.ErrNotFound
	case status == http.StatusConflict:
		kind = images.ErrConflict
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		kind = images.ErrDenied
	}
	return &callError{kind: kind, err: errors.New(words)}
}

// isRoute tells whether it is a route that is not there, and not what was
// asked for.
func isRoute(words string) bool {
	return strings.HasPrefix(words, "request returned ") || strings.HasSuffix(words, "page not found")
}

// The words of runc (exec: "NAME": …, with more quoting the older it is) and
// of crun when they cannot run a program. They must not match what is said of
// a mount or a working directory that is not there.
var (
	runcWords = regexp.MustCompile(`exec: \\*".*?\\*": (?:stat .*?: )?` +
		`(executable file not found|no such file or directory|permission denied|is a directory|not a directory|` +
		`exec format error|too many levels of symbolic links|operation not permitted|text file busy)`)
	crunWords = regexp.MustCompile("executable file [`'].*[`'] not found|open executable: .*|exec container process .*[`']: .*")
)

// programKind tells whether the engine says that a program could not be run.
func programKind(text string) error {
	said := ""
	if m := runcWords.FindStringSubmatch(text); m != nil {
		said = m[1]
	} else if m := crunWords.FindString(text); m != "" {
		said = m
	}
	switch {
	case said == "":
		return nil
	case strings.Contains(said, "not found"), strings.Contains(said, "cannot find"),
		strings.Contains(strings.ToLower(said), "no such file or directory"):
		return images.ErrProgramNotFound
	}
	return images.ErrProgramNotExecutable
}
