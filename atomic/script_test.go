package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/fake"
	"github.com/projectatomic/atomic/tests/real"
)

// The stories in tests/scripts are told to the fake engine and, word for word,
// to both real ones. Beside testscript's own commands they have:
//
//	atomic ARG...             run atomic
//	status N                  the exit status of the last atomic
//	image NAME [KEY=VALUE...] make an image with labels; cmd=WORDS, entrypoint=WORDS and env=NAME=VALUE are the image's own
//	containers                print "containers:" and "NAME STATE IMAGE" of each
//	removed NAME              wait until there is no such container
//	registry [USER:PASSWORD]  start a registry on loopback; $REGISTRY is its address
//	push NAME [KEY=VALUE...]  put an image into the registry
func TestScriptsFake(t *testing.T) {
	runScripts(t, "fake", func() (*story, string) {
		engine := fake.New()
		return &story{engine: engine, open: func(context.Context, images.Choice) (images.Engine, error) { return engine.Client(), nil }},
			"DOCKER_HOST=unix:///fake.sock"
	})
}

func TestScriptsDocker(t *testing.T) {
	url := real.Docker(t)
	runScripts(t, "docker", func() (*story, string) { return realStory(t, images.Docker, url), "DOCKER_HOST=" + url })
}

func TestScriptsPodman(t *testing.T) {
	url := real.Podman(t)
	runScripts(t, "podman", func() (*story, string) { return realStory(t, images.Podman, url), "CONTAINER_HOST=" + url })
}

func realStory(t *testing.T, kind images.Kind, url string) *story {
	engine, err := connect(kind, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return &story{engine: engine, open: openEngine}
}

// A story is one script's world.
type story struct {
	t        *testing.T
	registry *enginetest.Registry
	engine   images.Engine
	open     func(context.Context, images.Choice) (images.Engine, error)
	images   []string // IDs of those that it made
	status   int
}

// inOrder tells one story after the other: on a real engine they share names.
type inOrder struct{ *testing.T }

func (inOrder) Parallel()     {}
func (inOrder) Verbose() bool { return testing.Verbose() }
func (o inOrder) Run(name string, f func(testscript.T)) {
	o.T.Run(name, func(t *testing.T) { f(inOrder{t}) })
}

type storyKey struct{}

func runScripts(t *testing.T, engine string, begin func() (*story, string)) {
	files, err := filepath.Glob("../tests/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	testscript.RunT(inOrder{t}, testscript.Params{
		Files: files,
		Setup: func(env *testscript.Env) error {
			s, address := begin()
			env.Values[storyKey{}] = s
			s.t = t
			env.Vars = append(env.Vars, address, "PWD="+env.WorkDir,
				"ATOMIC_CONF="+env.WorkDir+"/atomic.conf", "ATOMIC_INSTALL_JSON="+env.WorkDir+"/state/install.json")
			env.Defer(func() { s.clean(t) })
			return nil
		},
		Condition: func(cond string) (bool, error) { return cond == engine, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"atomic": storyAtomic, "status": storyStatus, "image": storyImage,
			"containers": storyContainers, "removed": storyRemoved, "registry": storyRegistry, "push": storyPush,
		},
	})
}

const storyTime = time.Minute

func tell(ts *testscript.TestScript) *story { return ts.Value(storyKey{}).(*story) }

// ours tells what a story made from what others make on the same engine.
func ours(name string) bool {
	return strings.Contains(name, "story/") || strings.Contains(name, "other/change")
}

// clean removes what the story made.
func (s *story) clean(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), storyTime)
	defer cancel()
	containers, err := s.engine.Containers(ctx)
	if err != nil {
		t.Errorf("cleaning up: %v", err)
	}
	for _, c := range containers {
		if ours(c.ImageName) || slices.Contains(s.images, c.ImageID) {
			if err := s.engine.Remove(ctx, c.ID, true); err != nil && !isNotFound(err) {
				t.Errorf("cleaning up: %v", err)
			}
		}
	}
	for _, id := range s.images {
		if err := s.engine.RemoveImage(ctx, id, true); err != nil && !isNotFound(err) {
			t.Errorf("cleaning up: %v", err)
		}
	}
}

// storyVariables are those of the script that atomic sees.
var storyVariables = []string{
	"HOME", "PATH", "PWD", "DOCKER_HOST", "CONTAINER_HOST", "ATOMIC_CONF", "ATOMIC_INSTALL_JSON",
	"TZ", "SECRET", "SHELL_VAR", "SUDO_UID", "SUDO_GID", "REGISTRY_AUTH_FILE",
}

func storyAtomic(ts *testscript.TestScript, neg bool, args []string) {
	s := tell(ts)
	e := osEnv()
	e.stdin, e.stdout, e.stderr = strings.NewReader(ts.Getenv("STDIN")), ts.Stdout(), ts.Stderr()
	e.getenv, e.open = ts.Getenv, s.open
	e.getwd = func() (string, error) { return ts.MkAbs("."), nil }
	e.environ = func() []string {
		var list []string
		for _, name := range storyVariables {
			if v := ts.Getenv(name); v != "" {
				list = append(list, name+"="+v)
			}
		}
		return list
	}
	ctx, cancel := context.WithTimeout(context.Background(), storyTime)
	defer cancel()
	s.status = e.main(ctx, append([]string{"atomic"}, args...))
	if (s.status != 0) != neg {
		ts.Fatalf("exit status %d", s.status)
	}
}

func storyStatus(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(tell(ts).status); len(args) != 1 || args[0] != got {
		ts.Fatalf("exit status %s, want %v", got, args)
	}
}

func storyRegistry(ts *testscript.TestScript, _ bool, args []string) {
	s := tell(ts)
	s.registry = enginetest.NewRegistry(s.t)
	ts.Setenv("REGISTRY", s.registry.Host)
	if len(args) == 1 {
		user, password, _ := strings.Cut(args[0], ":")
		s.registry.RequireLogin(user, password)
	}
}

func storyPush(ts *testscript.TestScript, _ bool, args []string) {
	tell(ts).registry.Push(tell(ts).t, args[0], imageOptions(args[1:]))
}

// imageOptions reads what stands behind the name of an image.
func imageOptions(args []string) enginetest.ImageOptions {
	o := enginetest.ImageOptions{Labels: map[string]string{}}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "cmd":
			o.Cmd = strings.Fields(value)
		case "entrypoint":
			o.Entrypoint = strings.Fields(value)
		case "env":
			o.Env = append(o.Env, value)
		default:
			o.Labels[key] = value
		}
	}
	return o
}

func storyImage(ts *testscript.TestScript, _ bool, args []string) {
	archive, err := enginetest.Archive(args[0], imageOptions(args[1:]))
	ts.Check(err)
	s := tell(ts)
	_, err = s.engine.Load(context.Background(), bytes.NewReader(archive))
	ts.Check(err)
	img, err := s.engine.Image(context.Background(), args[0])
	ts.Check(err)
	if !slices.Contains(s.images, img.ID) {
		s.images = append(s.images, img.ID)
	}
}

func storyContainers(ts *testscript.TestScript, _ bool, _ []string) {
	list, err := tell(ts).engine.Containers(context.Background())
	ts.Check(err)
	slices.SortFunc(list, func(a, b images.Container) int { return strings.Compare(a.Name, b.Name) })
	fmt.Fprintln(ts.Stdout(), "containers:") // there is output even when there are none
	for _, c := range list {
		if ours(c.ImageName) || slices.Contains(tell(ts).images, c.ImageID) {
			fmt.Fprintln(ts.Stdout(), c.Name, c.State, c.ImageName)
		}
	}
}

func storyRemoved(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(storyTime)
	for {
		_, err := tell(ts).engine.Container(context.Background(), args[0])
		if isNotFound(err) {
			return
		}
		ts.Check(err)
		if time.Now().After(deadline) {
			ts.Fatalf("container %s is still there", args[0])
		}
		time.Sleep(20 * time.Millisecond)
	}
}
