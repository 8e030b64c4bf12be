package enginetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func infoTests() []test {
	return []test{{"describes the engine", func(ctx context.Context, t *testing.T, b *bench) {
		info, err := b.Info(ctx)
		must(t, err)
		if info.Kind != images.Docker && info.Kind != images.Podman {
			t.Errorf("kind %q", info.Kind)
		}
		for what, value := range map[string]string{
			"version": info.Version, "API version": info.APIVersion, "operating system": info.OS,
			"kernel": info.Kernel, "storage root": info.Root, "storage driver": info.Driver,
		} {
			if value == "" {
				t.Errorf("no %s", what)
			}
		}
	}}}
}

func checkTests() []test {
	return []test{
		{"finds nothing wrong with a plain spec", checkPlain},
		{"names the field, and Create obeys", checkAndCreate},
	}
}

func checkPlain(_ context.Context, t *testing.T, b *bench) {
	findings := b.Check(run.Spec{
		Name: unique(), Image: b.image, Args: []string{"true"}, TTY: true, Stdin: true, Remove: true,
		Privileged: true, PID: run.Host, IPC: run.Host, Networks: []run.Network{{Name: "host"}},
		Mounts: []run.Mount{{Type: run.Bind, Source: "/", Target: "/host"}},
		Env:    []run.EnvVar{{Name: "HOST", Value: "/host"}}, Labels: []run.Pair{{Name: "a", Value: "b"}},
	})
	for _, f := range findings {
		t.Errorf("finding for a plain super-privileged container: %+v", f)
	}
}

// odd are specs that one engine or another cannot carry out.
func odd() []run.Spec {
	minusOne := -1
	return []run.Spec{
		{GPUs: []string{"all"}},
		{UserNS: "keep-id"},
		{UserNS: "auto:size=1024"},
		{Networks: []run.Network{{Name: "slirp4netns", Options: []run.Pair{{Name: "mtu", Value: "1500"}}}}},
		{Networks: []run.Network{{Name: "one"}, {Name: "two"}}},
		{Links: []string{"a:b"}},
		{LinkLocalIPs: []string{"169.254.1.1"}},
		{KernelMemory: 1 << 30},
		{StopTimeout: &minusOne},
		{StorageOpts: []run.Pair{{Name: "size", Value: "1G"}}},
		{VolumeDriver: "nfs"},
		{CgroupParent: "/x"},
		{Runtime: "no-such-runtime"},
		{Health: run.Health{Command: "true", StartInterval: 1}},
		{Mounts: []run.Mount{{Type: run.Volume, Source: "v", Target: "/v", Options: []string{"U"}}}},
		{Mounts: []run.Mount{{Type: run.Bind, Source: "/", Target: "/v", Options: []string{"idmap"}}}},
		{Env: []run.EnvVar{{Name: "HOME", FromCaller: true}}},
		{EnvFiles: []string{"/etc/environment"}},
		{LabelFiles: []string{"/etc/environment"}},
	}
}

func checkAndCreate(ctx context.Context, t *testing.T, b *bench) {
	for _, spec := range odd() {
		spec.Image, spec.Args, spec.Name = b.image, []string{"true"}, unique()
		findings := b.Check(spec)
		for _, f := range findings {
			if f.Field == "" || f.Message == "" || f.Code == "" {
				t.Errorf("a finding without field, code or message: %+v", f)
			}
		}
		if !slices.ContainsFunc(findings, func(f run.Finding) bool { return f.Level == run.Error }) {
			continue
		}
		b.refused(ctx, t, spec)
	}
}

// refused checks that Create makes nothing of a spec.
func (b *bench) refused(ctx context.Context, t *testing.T, spec run.Spec) {
	t.Helper()
	b.forget(t, spec.Name)
	if _, _, err := b.Create(ctx, spec); err == nil {
		t.Errorf("created %+v", spec)
		return
	}
	_, err := b.Container(ctx, spec.Name)
	wantError(t, err, images.ErrNotFound, spec.Name)
}

func createTests() []test {
	return []test{
		{"carries out the spec", createCarriesOut},
		{"mounts paths of the host", createMounts},
		{"refuses to mount what must exist and does not", createMissingMount},
		{"makes a super-privileged container", createSuper},
		{"gives an ID and a name", createNames},
		{"refuses a name in use", createConflict},
		{"refuses an image that is not local", createNoImage},
		{"refuses what the caller has to resolve", createUnresolved},
		{"leaves the rest to the caller", createCallersOwn},
	}
}

func createCarriesOut(ctx context.Context, t *testing.T, b *bench) {
	image, _ := b.newImage(ctx, t, ImageOptions{
		Entrypoint: []string{"/bin/echo", "from  image"},
		Cmd:        []string{"cmd"},
		Env:        []string{"A=image", "B=image"},
		User:       "1001",
		WorkDir:    "/etc",
	})
	clear := []string{""}
	for _, c := range []struct {
		name string
		spec run.Spec
		want string
	}{
		{"image's own", run.Spec{}, "from  image cmd\n"},
		{"arguments for the entrypoint", run.Spec{Args: []string{"a  b", "", "$A", `"q"`, "grüße"}}, "from  image a  b  $A \"q\" grüße\n"},
		{"entrypoint without the image's arguments", run.Spec{Entrypoint: []string{"echo", "mine"}}, "mine\n"},
		{"entrypoint and arguments", run.Spec{Entrypoint: []string{"echo", "mine"}, Args: []string{"x"}}, "mine x\n"},
		{"no entrypoint", run.Spec{Entrypoint: clear, Args: []string{"echo", "bare"}}, "bare\n"},
		{"words", run.Spec{Entrypoint: clear, Args: append(sh(`printf "<%s>" "$@"`), "sh", "a  b", "", "$X", "'q'", "\n", "grüße")}, "<a  b><><$X><'q'><\n><grüße>"},
		{"environment", run.Spec{
			Entrypoint: clear,
			Args:       sh(`printf "<%s>" "$A" "$B" "$C" "${D-unset}" "${E-unset}"`),
			Env:        []run.EnvVar{{Name: "A", Value: "x y=z"}, {Name: "C", Value: "c"}, {Name: "D"}},
		}, "<x y=z><image><c><><unset>"},
		{"image's user and directory", run.Spec{Entrypoint: clear, Args: sh("id -u; pwd")}, "1001\n/etc\n"},
		{"user by number", run.Spec{Entrypoint: clear, Args: sh("id -u; id -g"), User: "5:6"}, "5\n6\n"},
		{"user by name", run.Spec{Entrypoint: clear, Args: sh("id -u; id -g"), User: "app"}, "1001\n1002\n"},
		{"directory", run.Spec{Entrypoint: clear, Args: []string{"pwd"}, WorkDir: "/tmp"}, "/tmp\n"},
		{"host name", run.Spec{Entrypoint: clear, Args: []string{"hostname"}, Hostname: "box"}, "box\n"},
	} {
		c.spec.Image = image
		got := b.runToEnd(ctx, t, c.spec, nil)
		if got != (result{out: c.want}) {
			t.Errorf("%s: got %+v, want %q", c.name, got, c.want)
		}
	}
}

func createMounts(ctx context.Context, t *testing.T, b *bench) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "in"), []byte("from the host\n"), 0o644))
	got := b.runToEnd(ctx, t, run.Spec{
		Args: sh("cat /writable/in; echo from the container > /writable/out; cat /read-only/in; (echo x > /read-only/not) 2>/dev/null || echo refused"),
		Mounts: []run.Mount{
			{Type: run.Bind, Source: dir, Target: "/writable"},
			{Type: run.Bind, Source: dir, Target: "/read-only", Options: []string{"ro"}},
		},
	}, nil)
	equal(t, "output", got, result{out: "from the host\nfrom the host\nrefused\n"})
	written, err := os.ReadFile(filepath.Join(dir, "out"))
	must(t, err)
	equal(t, "what the container wrote", string(written), "from the container\n")
}

func createMissingMount(ctx context.Context, t *testing.T, b *bench) {
	missing := filepath.Join(t.TempDir(), "missing")
	b.refused(ctx, t, run.Spec{
		Name: unique(), Image: b.image, Args: []string{"true"},
		Mounts: []run.Mount{{Type: run.Bind, Source: missing, Target: "/x", MustExist: true}},
	})
	if _, err := os.Stat(missing); !os.IsNotExist(err) {
		t.Errorf("looking for the missing path: got %v, want that it is still missing", err)
	}
}

func createSuper(ctx context.Context, t *testing.T, b *bench) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("of the host\n"), 0o600))
	got := b.runToEnd(ctx, t, run.Spec{
		Privileged: true, PID: run.Host, IPC: run.Host, Networks: []run.Network{{Name: "host"}},
		Mounts: []run.Mount{{Type: run.Bind, Source: "/", Target: "/host"}},
		Args:   sh("cat /host" + dir + "/file; echo written > /host" + dir + "/new; exit 3"),
	}, nil)
	equal(t, "run", got, result{out: "of the host\n", code: 3})
	written, err := os.ReadFile(filepath.Join(dir, "new"))
	must(t, err)
	equal(t, "what the container wrote", string(written), "written\n")
}

func createNames(ctx context.Context, t *testing.T, b *bench) {
	name := unique()
	b.forget(t, name)
	id, _, err := b.Create(ctx, run.Spec{Name: name, Image: b.image, Args: []string{"true"}})
	must(t, err)
	c := b.inspect(ctx, t, name)
	equal(t, "ID", c.ID, id)
	equal(t, "name", c.Name, name)

	id, _, err = b.Create(ctx, run.Spec{Image: b.image, Args: []string{"true"}})
	must(t, err)
	b.forget(t, id)
	c = b.inspect(ctx, t, id)
	equal(t, "ID", c.ID, id)
	if c.Name == "" {
		t.Error("a container made without a name was given none")
	}
}

func createConflict(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: []string{"true"}})
	before := b.inspect(ctx, t, name)
	_, _, err := b.Create(ctx, run.Spec{Name: name, Image: b.image, Args: []string{"false"}})
	wantError(t, err, images.ErrConflict, name)
	equal(t, "ID of the container that has the name", b.inspect(ctx, t, name).ID, before.ID)
}

func createNoImage(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	r.Push(t, "there", distinct(ImageOptions{Bare: true}))
	pushed := len(r.Requests())
	for _, image := range []string{unique(), b.image + ":no-such-tag", r.Host + "/there"} {
		name := unique()
		b.forget(t, name)
		for _, pull := range []string{"", "missing", "always"} {
			_, _, err := b.Create(ctx, run.Spec{Name: name, Image: image, Args: []string{"true"}, Pull: pull})
			wantError(t, err, images.ErrNotFound, image)
		}
		_, err := b.Container(ctx, name)
		wantError(t, err, images.ErrNotFound, name)
	}
	if more := r.Requests()[pushed:]; len(more) > 0 {
		t.Errorf("the registry was asked: %q", more)
	}
}

func createUnresolved(ctx context.Context, t *testing.T, b *bench) {
	for _, spec := range []run.Spec{
		{Env: []run.EnvVar{{Name: "HOME", FromCaller: true}}},
		{EnvFiles: []string{"/dev/null"}},
		{LabelFiles: []string{"/dev/null"}},
	} {
		spec.Name, spec.Image, spec.Args = unique(), b.image, []string{"true"}
		b.refused(ctx, t, spec)
	}
}

func createCallersOwn(ctx context.Context, t *testing.T, b *bench) {
	file := filepath.Join(t.TempDir(), "cid")
	b.create(ctx, t, run.Spec{Args: []string{"true"}, CIDFile: file, Pull: "always"})
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("looking for the CID file: got %v, want that it is not there", err)
	}
}
