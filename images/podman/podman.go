// Package podman is the Engine of Podman, reached over its own API (libpod).
// It speaks to services 4.0 to 5.x, over a unix socket, TCP or SSH.
//
// [CreateRequest] is the pure half: what a run.Spec becomes in the API, and
// what Podman cannot express of it. [Engine] is the other half, and [Serve]
// starts a service where none is running.
//
// Of Podman's own Go packages only pkg/bindings is used, to connect; the
// packages for each endpoint read containers.conf when a program starts and
// end it when that file is broken. Nor is its DoRequest used: it sends every
// request up to three times, also those that make something.
package podman

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

var _ images.Engine = (*Engine)(nil)

// An Engine is a Podman service somewhere. Make one with New.
type Engine struct {
	client
	watchers watchers
}

// limits are how long the service may take.
type limits struct {
	answer time.Duration // for a question or a small order
	stall  time.Duration // without a byte while something large is moved
	settle time.Duration // to tell how a stream ended
	keys   time.Duration // between the detach keys, so that they arrive one by one
	again  time.Duration // before a question is asked again
	look   time.Duration // between looks at a container that does not run yet
	body   int64         // bytes of an answer that is kept in memory
}

func defaultLimits() limits {
	return limits{
		answer: 30 * time.Second,
		stall:  2 * time.Minute,
		settle: 5 * time.Second,
		keys:   40 * time.Millisecond,
		again:  30 * time.Millisecond,
		look:   250 * time.Millisecond,
		body:   64 << 20,
	}
}

// New prepares for the service at uri: unix:///PATH, tcp://HOST:PORT or
// ssh://[USER@]HOST[:PORT]/PATH. With ssh, CONTAINER_SSHKEY names the identity
// to log in with. New does no I/O; the first call connects.
func New(uri string) (*Engine, error) {
	return newEngine(uri, defaultLimits())
}

func newEngine(uri string, l limits) (*Engine, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("podman service %q: %w", uri, err)
	}
	switch {
	case u.Scheme == "unix" && u.Host+u.Path != "":
		u.Path = socketPath(u)
		u.Host = ""
	case u.Scheme == "tcp" && u.Host != "", u.Scheme == "ssh" && u.Host != "":
	default:
		return nil, fmt.Errorf("podman service %q: want unix:///PATH, tcp://HOST:PORT or ssh://HOST/PATH", uri)
	}
	// The bindings warn of what they find strange on stderr, which is the
	// user's. What matters comes back as an error too.
	logrus.SetOutput(io.Discard)
	return &Engine{client: client{uri: u, limits: l, turn: make(chan struct{}, 1)}}, nil
}

// socketPath is the path of a unix URL, also when it has two slashes only.
func socketPath(u *url.URL) string {
	if u.Host == "" {
		return u.Path
	}
	return "/" + u.Host + u.Path
}

// Close lets go of idle connections. Sessions are closed by themselves.
func (e *Engine) Close() error {
	e.client.close()
	return nil
}

// Ping asks whether the service answers. It takes a millisecond where Info may
// take a quarter of a second, because for Info the service asks the package
// manager of the machine for the versions of its helpers.
func (e *Engine) Ping(ctx context.Context) error {
	if err := e.call(ctx, get("/_ping"), nil); err != nil {
		return fmt.Errorf("asking Podman whether it is there: %w", err)
	}
	return nil
}

// Info describes the service.
func (e *Engine) Info(ctx context.Context) (images.Info, error) {
	var answer struct {
		Host struct {
			OS       string `json:"os"`
			Kernel   string `json:"kernel"`
			Security struct {
				Rootless bool `json:"rootless"`
			} `json:"security"`
		} `json:"host"`
		Store struct {
			Driver string `json:"graphDriverName"`
			Root   string `json:"graphRoot"`
		} `json:"store"`
		Version struct {
			Version    string
			APIVersion string
		} `json:"version"`
	}
	if err := e.call(ctx, get("/info"), &answer); err != nil {
		return images.Info{}, fmt.Errorf("asking Podman about itself: %w", err)
	}
	return images.Info{
		Kind:       images.Podman,
		Version:    answer.Version.Version,
		APIVersion: answer.Version.APIVersion,
		OS:         answer.Host.OS,
		Kernel:     answer.Host.Kernel,
		Root:       answer.Store.Root,
		Driver:     answer.Store.Driver,
		Rootless:   answer.Host.Security.Rootless,
	}, nil
}

// Check tells what Podman cannot carry out of spec.
func (e *Engine) Check(spec run.Spec) []run.Finding {
	_, findings := CreateRequest(spec)
	return findings
}

// prefixed is an ID as Docker spells it; Podman leaves the algorithm out.
func prefixed(id string) string {
	if id == "" || strings.HasPrefix(id, "sha256:") {
		return id
	}
	return "sha256:" + id
}
