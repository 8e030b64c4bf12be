package enginetest

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A Registry is an empty image registry in memory, served on loopback over
// plain HTTP until the test ends. Engines take loopback for a place where that
// is allowed (Docker) or are told so (images.PullOptions.Insecure).
type Registry struct {
	// Host is host:port, the first part of the names of its images.
	Host string

	handler  http.Handler
	mu       sync.Mutex
	user     string
	password string
	fault    func(http.ResponseWriter, *http.Request) bool
	requests []string
}

// NewRegistry starts a registry.
func NewRegistry(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	server := httptest.NewServer(r)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	r.Host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// ServeHTTP makes the Registry a handler: it asks for the login, breaks what
// is to be broken and serves the rest.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, req.Method+" "+req.URL.Path)
	user, password, fault := r.user, r.password, r.fault
	r.mu.Unlock()
	u, p, _ := req.BasicAuth()
	if user != "" && (u != user || p != password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
		return
	}
	if fault != nil && fault(w, req) {
		return
	}
	r.handler.ServeHTTP(w, req)
}

// RequireLogin refuses from now on everyone who does not know the password.
func (r *Registry) RequireLogin(user, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user, r.password = user, password
}

// Break has f called for each request from now on; the request is dealt with
// if it returns true. nil repairs the registry.
func (r *Registry) Break(f func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// Requests are the method and path of each request so far.
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.requests...)
}

// Push puts a test image into the registry as repository[:tag] and returns it;
// its full name there is Host/repository[:tag].
func (r *Registry) Push(t testing.TB, repository string, o ImageOptions) v1.Image {
	t.Helper()
	img, err := Image(o)
	if err == nil {
		err = r.push(repository, func(ref name.Reference, opts ...remote.Option) error {
			return remote.Write(ref, img, opts...)
		})
	}
	if err != nil {
		t.Fatalf("pushing a test image: %v", err)
	}
	return img
}

// PushIndex puts a list of images for several platforms into the registry.
func (r *Registry) PushIndex(t testing.TB, repository string, index v1.ImageIndex) {
	t.Helper()
	err := r.push(repository, func(ref name.Reference, opts ...remote.Option) error {
		return remote.WriteIndex(ref, index, opts...)
	})
	if err != nil {
		t.Fatalf("pushing a list of test images: %v", err)
	}
}

func (r *Registry) push(repository string, write func(name.Reference, ...remote.Option) error) error {
	ref, err := name.ParseReference(r.Host + "/" + repository)
	if err != nil {
		return fmt.Errorf("naming an image: %w", err)
	}
	r.mu.Lock()
	auth := authn.FromConfig(authn.AuthConfig{Username: r.user, Password: r.password})
	r.mu.Unlock()
	// The default transport would keep connections, and so goroutines, open.
	transport := &http.Transport{DisableKeepAlives: true}
	return write(ref, remote.WithAuth(auth), remote.WithTransport(transport))
}
