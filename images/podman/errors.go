package podman

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
)

// A serviceError is what the service answered instead of agreeing.
type serviceError struct {
	kind    error // a sentinel of images, or nil
	message string
}

func (e *serviceError) Error() string { return e.message }

func (e *serviceError) Unwrap() error { return e.kind }

// A lostError is a connection that was not made or that broke.
type lostError struct{ kind, cause error }

func (e *lostError) Error() string { return e.kind.Error() + ": " + e.cause.Error() }

func (e *lostError) Unwrap() []error { return []error{e.kind, e.cause} }

// A garbledError is an answer that nobody can read. The service is there.
type garbledError struct{ error }

func (e garbledError) Unwrap() error { return e.error }

// isGarbled tells whether a stream was read and not understood.
func isGarbled(err error) bool {
	var mine garbledError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	return errors.As(err, &mine) || errors.As(err, &syntax) || errors.As(err, &kind)
}

// unreachable tells why a request came to nothing: the context's own error if
// it has ended, else that the service is not there or may not be used.
func unreachable(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := ctx.Deadline(); ok && os.IsTimeout(err) {
		// What a connection does is timed by the context, but by another clock.
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	switch {
	case ctx.Err() != nil:
		return ended(ctx)
	case errors.Is(err, images.ErrUnreachable), errors.Is(err, images.ErrDenied), isGarbled(err):
		return err
	case errors.Is(err, fs.ErrPermission), strings.Contains(err.Error(), "ssh: unable to authenticate"):
		return &lostError{images.ErrDenied, err}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the connection broke")
	}
	return &lostError{images.ErrUnreachable, err}
}

// ended is the error of a context that has ended: ErrTimeout if the time limit
// was ours, else the context's own.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, images.ErrTimeout) {
		return cause
	}
	return ctx.Err()
}

// readError makes an error of the answer. Most of them are JSON; what comes
// from before the service's own code is plain text.
func readError(ctx context.Context, resp *http.Response, limit int64) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return unreachable(ctx, err)
	}
	var answer struct {
		Cause   string `json:"cause"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Message == "" {
		message := strings.TrimSpace(string(text))
		if message == "" {
			message = resp.Status
		}
		return &serviceError{kind: kindOfStatus(resp.StatusCode, false), message: message}
	}
	return newServiceError(resp.StatusCode, answer.Cause, answer.Message)
}

// newServiceError translates an answer. A 500 may be anything, so the words
// count first.
func newServiceError(status int, cause, message string) error {
	kind := kindOfProgram(message)
	if kind == nil {
		kind = kindOfCause(cause, message)
	}
	if kind == nil {
		kind = kindOfStatus(status, true)
	}
	return &serviceError{kind: kind, message: message}
}

// kindOfStatus is the sentinel for an HTTP status. A 404 that libpod did not
// write is about the endpoint and not about the thing.
func kindOfStatus(status int, libpod bool) error {
	switch {
	case status == http.StatusNotFound && libpod:
		return images.ErrNotFound
	case status == http.StatusConflict:
		return images.ErrConflict
	case status == http.StatusForbidden:
		return images.ErrDenied
	case status == http.StatusUnauthorized:
		return images.ErrUnauthorized
	}
	return nil
}

// kindOfCause is the sentinel for the innermost error, which libpod names.
func kindOfCause(cause, message string) error {
	switch cause {
	case "no such container", "no such image", "image not known", "no such exec session":
		return images.ErrNotFound
	case "that name is already in use", "container already exists", "container state improper",
		"exec session state improper", "image is in use by a container", "image is in use by container":
		return images.ErrConflict
	}
	for _, words := range []string{
		"is already in use by",                           // a name
		"UNIQUE constraint failed: ContainerConfig.Name", // from 5 on, when renaming
		"please force removal",                           // an ID with several names
		"image used by",
		"as it is running - running or paused containers cannot be removed",
	} {
		if strings.Contains(message, words) {
			return images.ErrConflict
		}
	}
	return nil
}

// The words of runc and crun for a program that is not there, or that is there
// and cannot be executed. What libpod makes of them ("OCI permission denied")
// it also makes of mounts, capabilities and control groups. A runtime that logs
// no JSON escapes its quotes.
var (
	noProgram = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(
			`exec: \\?"[^"]*": (executable file not found|stat [^:]*: no such file|no such file)` +
				"|executable file `[^`]*` not found" +
				"|exec container process `[^`]*`: No such file" +
				`|crun: cannot find .* in \$PATH`)
	})
	badProgram = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(
			`exec: \\?"[^"]*": (permission denied|is a directory|exec format error)` +
				`|exec: \\?"[^"]*": stat [^:]*: (permission denied|not a directory)` +
				"|open executable: (Permission denied|Operation not permitted|Is a directory)" +
				"|(executable file|exec container process) `[^`]*`[^:]*: (Permission denied|Exec format error|Is a directory)" +
				`|the path .* exists but it is not executable`)
	})
)

func kindOfProgram(message string) error {
	switch {
	case noProgram().MatchString(message):
		return images.ErrProgramNotFound
	case badProgram().MatchString(message):
		return images.ErrProgramNotExecutable
	}
	return nil
}

// kindOfPull is the sentinel for what a registry said. The service hands on
// its words only.
func kindOfPull(message string) error {
	lower := strings.ToLower(message)
	for _, words := range []string{"unauthorized", "authentication required", "invalid username/password", "requested access to the resource is denied"} {
		if strings.Contains(lower, words) {
			return images.ErrUnauthorized
		}
	}
	for _, words := range []string{"manifest unknown", "name unknown", "repository name not known", "status 404", "404 (not found)"} {
		if strings.Contains(lower, words) {
			return images.ErrNotFound
		}
	}
	return nil
}
