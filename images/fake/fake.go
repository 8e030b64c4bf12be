// Package fake is an engine in memory for tests: it keeps images and
// containers, runs their programs and refuses the impossible, as the real ones
// do. It passes the suite of images/enginetest.
//
//	e := fake.New()
//	e.AddImage(images.Image{Names: []string{"web"}, Labels: map[string]string{"RUN": "docker run --name NAME IMAGE"}})
//	… code under test …
//	fmt.Println(e)
//
// What is true to life: names, IDs that follow from the content, docker-archives
// that can be exchanged with real engines, pulls from real registries (those of
// tests, on loopback), states, streams, terminals in their usual mode, signals,
// exit statuses, logs and events. Programs see the files of the image, of
// volumes and of the mounted paths of the host.
//
// What is not: a program is a [Program], a function of Go, found under the name
// of an executable file of the image; there are a shell and what busybox scripts
// mostly use. There is no isolation and no network, nobody's permission is asked,
// and resources, health checks and restart policies are only remembered.
package fake

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// An Engine is a client of an engine in memory. All methods may be called from
// any goroutine.
type Engine struct {
	world  *world
	faults *faults
}

var _ images.Engine = (*Engine)(nil)

// world is what the engine holds; several clients may share it. mu guards what
// stands below it, and all images and containers.
type world struct {
	kind     images.Kind
	check    func(run.Spec) []run.Finding
	programs map[string]Program
	mirrors  map[string]string
	deadline time.Duration

	mu         sync.Mutex
	layers     map[string]*layer     // by the digest of the tar archive, compressed or not
	images     map[string]*image     // by ID
	names      map[string]string     // repository:tag → image ID
	containers map[string]*container // by ID
	volumes    map[string]*tree      // by name
	listeners  map[*queue[images.Event]]bool
	made       int // containers so far
}

// An Option changes a new engine.
type Option func(*world)

// WithKind makes the engine say that it is of the kind; without it it says
// Docker. Nothing else depends on it.
func WithKind(k images.Kind) Option { return func(w *world) { w.kind = k } }

// WithCheck has f say what the engine cannot carry out.
func WithCheck(f func(run.Spec) []run.Finding) Option { return func(w *world) { w.check = f } }

// WithProgram gives containers another program. It is found as /bin/name in
// images made by AddImage, and in loaded and pulled ones wherever they have an
// executable file of that name.
func WithProgram(name string, p Program) Option { return func(w *world) { w.programs[name] = p } }

// WithMirror has images of a registry, such as docker.io, pulled from the
// address of another, such as that of a test on loopback.
func WithMirror(registry, address string) Option {
	return func(w *world) { w.mirrors[registry] = address }
}

// WithDeadline sets how long an engine that hangs lets its caller wait before
// it gives images.ErrTimeout; without it half a minute.
func WithDeadline(d time.Duration) Option { return func(w *world) { w.deadline = d } }

// New makes an engine that holds nothing.
func New(opts ...Option) *Engine {
	w := &world{
		kind:       images.Docker,
		check:      func(run.Spec) []run.Finding { return nil },
		programs:   programs(),
		mirrors:    make(map[string]string),
		deadline:   30 * time.Second,
		layers:     make(map[string]*layer),
		images:     make(map[string]*image),
		names:      make(map[string]string),
		containers: make(map[string]*container),
		volumes:    make(map[string]*tree),
		listeners:  make(map[*queue[images.Event]]bool),
	}
	for _, o := range opts {
		o(w)
	}
	return &Engine{world: w, faults: newFaults()}
}

// Client gives another client of the same engine, with faults of its own: a
// test can look through one while the other breaks.
func (e *Engine) Client() *Engine { return &Engine{world: e.world, faults: newFaults()} }

// Info is images.Engine's.
func (e *Engine) Info(ctx context.Context) (images.Info, error) {
	info := images.Info{
		Kind: e.world.kind, Version: "20.10.24", APIVersion: "1.41", OS: "linux", Kernel: "6.1.0",
		Root: "/var/lib/docker", Driver: "overlay2",
	}
	if info.Kind == images.Podman {
		info.Version, info.APIVersion = "4.3.1", "4.3.1"
		info.Root, info.Driver = "/var/lib/containers/storage", "overlay"
	}
	err := e.call(ctx, "Info", func(context.Context) error { return nil })
	if err != nil {
		return images.Info{}, about(err, "asking the engine what it is")
	}
	return info, nil
}

// Check is images.Engine's. What it finds is what WithCheck says, and what
// every engine leaves to its caller.
func (e *Engine) Check(spec run.Spec) []run.Finding {
	var findings []run.Finding
	unresolved := func(field, what string) {
		findings = append(findings, run.Finding{
			Code: run.NotSupported, Level: run.Error, Field: field, Message: what + " must be resolved by the caller",
		})
	}
	if slices.ContainsFunc(spec.Env, func(v run.EnvVar) bool { return v.FromCaller }) {
		unresolved("Env", "a variable from the caller's environment")
	}
	if len(spec.EnvFiles) > 0 {
		unresolved("EnvFiles", "a file of variables")
	}
	if len(spec.LabelFiles) > 0 {
		unresolved("LabelFiles", "a file of labels")
	}
	return append(findings, e.world.check(spec)...)
}

// Close is images.Engine's. The containers go on.
func (e *Engine) Close() error { return nil }
