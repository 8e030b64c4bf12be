// Package docker is the Engine of Docker, reached over its API. It speaks to
// Docker 20.10 (API 1.41) and everything newer.
//
// [CreateRequest] is the pure half: what a run.Spec becomes in the API, and
// what Docker cannot express of it. [Engine] is the other half.
package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

var _ images.Engine = (*Engine)(nil)

// An Engine is a Docker engine somewhere. Make one with New.
type Engine struct {
	at  address
	cli *client.Client

	// Negotiating the version of the API is the first thing every call needs;
	// one does it while the others wait here, each no longer than its context.
	negotiating chan struct{}
	negotiated  atomic.Bool

	limits limits
	roster roster
}

// limits are how long the engine may take.
type limits struct {
	answer time.Duration // for a question or a small order
	stall  time.Duration // without a byte while something large is moved
	settle time.Duration // to tell how a stream ended
	tidy   time.Duration // to undo what a call that was given up leaves
	body   int64         // bytes of an answer that is kept in memory
}

// New prepares for the engine at host: unix:///PATH or tcp://HOST[:PORT]. An
// empty host is that of DOCKER_HOST or, without it, of the default socket. To
// a tcp:// host DOCKER_TLS_VERIFY and DOCKER_CERT_PATH apply as they do for
// docker. New does no I/O but reading certificates; the first call connects.
func New(host string) (*Engine, error) {
	return newEngine(host, limits{
		answer: 30 * time.Second,
		stall:  2 * time.Minute,
		settle: 5 * time.Second,
		tidy:   time.Second,
		body:   64 << 20,
	})
}

func newEngine(host string, l limits) (*Engine, error) {
	at, err := resolve(host)
	if err != nil {
		return nil, err
	}
	cli, err := client.New(
		client.WithHost(at.host),
		client.WithScheme("http"), // where there is TLS, the dialer adds it
		client.WithDialContext(at.dial),
		client.WithAPIVersionFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("docker host %q: %w", at.host, err)
	}
	return &Engine{
		at:          at,
		cli:         cli,
		negotiating: make(chan struct{}, 1),
		limits:      l,
	}, nil
}

// Close drops the idle connections.
func (e *Engine) Close() error { return e.cli.Close() }

// Info describes the engine. APIVersion is the version that is spoken, which
// for an engine newer than this package is not the engine's latest.
func (e *Engine) Info(ctx context.Context) (images.Info, error) {
	var info images.Info
	err := e.ask(ctx, "asking the engine about itself", func(ctx context.Context) error {
		r, err := e.cli.Info(ctx, client.InfoOptions{})
		if err != nil && strings.HasSuffix(err.Error(), io.ErrUnexpectedEOF.Error()) {
			err = &callError{kind: images.ErrUnreachable, err: err} // the client drops the cause
		}
		if err != nil {
			return err
		}
		if r.Info.ServerVersion == "" {
			return errNonsense
		}
		info = images.Info{
			Kind:       images.Docker,
			Version:    r.Info.ServerVersion,
			APIVersion: e.cli.ClientVersion(),
			OS:         r.Info.OSType,
			Kernel:     r.Info.KernelVersion,
			Root:       r.Info.DockerRootDir,
			Driver:     r.Info.Driver,
		}
		for _, o := range r.Info.SecurityOptions {
			info.Rootless = info.Rootless || strings.Contains(o, "name=rootless")
		}
		return nil
	})
	return info, err
}

// Check tells which fields of spec Docker cannot carry out. Fields that only
// newer engines know are not among them: Create refuses those where they are
// not known.
func (e *Engine) Check(spec run.Spec) []run.Finding {
	_, findings := CreateRequest(spec)
	return findings
}

// ask makes a call that has the deadline of a question.
func (e *Engine) ask(ctx context.Context, doing string, call func(context.Context) error) error {
	return e.askFor(ctx, e.limits.answer, doing, call)
}

// askFor makes a call that has a deadline, or none if limit is 0. It bounds
// what is read of the answer, and translates the error.
func (e *Engine) askFor(ctx context.Context, limit time.Duration, doing string, call func(context.Context) error) error {
	within, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 {
		within, cancel = context.WithTimeoutCause(ctx, limit, noAnswer(limit))
	}
	defer cancel()
	err := e.negotiate(within)
	if err == nil {
		err = call(boundAnswer(within, e.limits.body))
	}
	return e.failed(ctx, within, doing, err)
}

// move makes a call that lasts as long as bytes come, without a limit to what
// is read.
func (e *Engine) move(ctx context.Context, limit time.Duration, doing string, call func(context.Context, *stall) error) error {
	within, s, stop := watchStall(ctx, limit)
	defer stop()
	err := e.negotiate(within)
	if err == nil {
		err = call(unboundAnswer(within), s)
	}
	return e.failed(ctx, within, doing, err)
}

// failed is the error of a call that ran under within, made from ctx.
func (e *Engine) failed(ctx, within context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return &callError{doing: doing, err: ctx.Err()}
	}
	if late := (timeout{}); errors.As(context.Cause(within), &late) {
		return &callError{doing: doing, kind: images.ErrTimeout, err: late}
	}
	return translate(doing, err)
}

// negotiate settles which version of the API is spoken, once. The client would
// do so by itself, but with the error thrown away and, for those who wait, no
// end.
func (e *Engine) negotiate(ctx context.Context) error {
	if e.negotiated.Load() {
		return nil
	}
	select {
	case e.negotiating <- struct{}{}:
		defer func() { <-e.negotiating }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.negotiated.Load() {
		return nil
	}
	ping, err := e.cli.Ping(boundAnswer(ctx, e.limits.body), client.PingOptions{NegotiateAPIVersion: true})
	if err != nil {
		return notDocker(err)
	}
	if ping.APIVersion == "" {
		return &callError{kind: images.ErrUnreachable, err: fmt.Errorf("what answers at %s is not Docker", e.cli.DaemonHost())}
	}
	e.negotiated.Store(true)
	return nil
}
