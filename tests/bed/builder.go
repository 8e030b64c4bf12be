package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/projectatomic/atomic/tests/bed/recipe"
)

// An image that was made.
type image struct {
	name    string // repository/name:tag
	id      string // sha256:…
	archive string // its docker-archive
}

// A builder makes images from folders with a Containerfile and a file
// "packages" that lists what must be in the root file system.
type builder struct {
	dir     string // of the recipes
	cache   string
	release string // of Debian
	sources []source
	run     func(*exec.Cmd) error
}

// A source is a file of apt that says where packages come from.
type source struct {
	name string
	text []byte
}

// mmdebstrapOptions leave out what nobody reads in a container.
func mmdebstrapOptions() []string {
	options := []string{
		"--quiet", "--mode=auto", "--variant=essential", "--format=tar",
		// An engine makes the devices.
		"--skip=output/dev",
		`--aptopt=APT::Install-Recommends "false"`,
		`--aptopt=Acquire::Languages "none"`,
		`--aptopt=Acquire::Retries "3"`,
		"--dpkgopt=force-unsafe-io",
	}
	for _, dir := range []string{"doc", "doc-base", "info", "lintian", "locale", "man", "zoneinfo"} {
		options = append(options, "--dpkgopt=path-exclude=/usr/share/"+dir+"/*")
	}
	return options
}

func newBuilder(dir string, run func(*exec.Cmd) error) (*builder, error) {
	cache := os.Getenv("ATOMIC_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			// Services often have no HOME.
			user = "/var/cache"
		}
		cache = filepath.Join(user, "atomic-test")
	}
	osRelease, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return nil, err
	}
	release := codename(string(osRelease))
	if release == "" {
		return nil, errors.New("/etc/os-release does not name the release of Debian")
	}
	sources, err := readSources("/etc/apt")
	if err != nil {
		return nil, err
	}
	return &builder{dir: dir, cache: cache, release: release, sources: sources, run: run}, nil
}

func codename(osRelease string) string {
	for line := range strings.Lines(osRelease) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

// readSources reads the sources of apt, whatever mirror they name. Discs are
// left out.
func readSources(dir string) ([]source, error) {
	files := []string{filepath.Join(dir, "sources.list")}
	for _, pattern := range []string{"*.list", "*.sources"} {
		more, err := filepath.Glob(filepath.Join(dir, "sources.list.d", pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	var sources []source
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if text = withoutDiscs(text); len(text) > 0 {
			sources = append(sources, source{name: filepath.Base(file), text: text})
		}
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("apt has no sources below %q", dir)
	}
	return sources, nil
}

// withoutDiscs is empty when nothing but comments is left.
func withoutDiscs(text []byte) []byte {
	var out []byte
	useful := false
	for line := range bytes.Lines(text) {
		trimmed := bytes.TrimSpace(line)
		if bytes.Contains(trimmed, []byte(" cdrom:")) {
			continue
		}
		useful = useful || len(trimmed) > 0 && trimmed[0] != '#'
		out = append(out, line...)
	}
	if !useful {
		return nil
	}
	return out
}

// image makes the image on the root file system, or finds it made from the
// same recipe.
func (b *builder) image(name, rootfs string) (image, error) {
	dir := filepath.Join(b.dir, name)
	img := image{name: repository + name + ":latest"}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n", rootfs)
	if err := sumDir(sum, dir); err != nil {
		return image{}, err
	}
	made := b.cached(name, sum)
	img.archive = made + ".docker.tar"
	id, err := os.ReadFile(made + ".id")
	if err == nil {
		img.id = string(id)
		return img, nil
	}
	if img.id, err = recipe.Write(img.archive+".part", img.name, dir, rootfs); err != nil {
		return image{}, err
	}
	if err := os.Rename(img.archive+".part", img.archive); err != nil {
		return image{}, err
	}
	// Last: it says that the archive is whole.
	return img, os.WriteFile(made+".id", []byte(img.id), 0o644)
}

// rootfs makes the root file system that all the images stand on, and returns
// its archive. One for all takes a third of the time to make and to load that
// one for each would, and none of the packages is in the way of another.
func (b *builder) rootfs(ctx context.Context) (string, error) {
	packages, err := b.packages()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s %q %q\n", b.release, runtime.GOARCH, mmdebstrapOptions(), packages)
	for _, s := range b.sources {
		fmt.Fprintf(sum, "%s %q\n", s.name, s.text)
	}
	archive := b.cached("rootfs", sum) + ".tar"
	if _, err := os.Stat(archive); err == nil {
		return archive, nil
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "bed: making a root file system of %s\n", strings.Join(packages, " "))
	work, err := os.MkdirTemp(b.cache, "work")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	made := filepath.Join(work, "rootfs.tar")
	args := append(mmdebstrapOptions(), "--include="+strings.Join(packages, ","), b.release, made)
	for _, s := range b.sources {
		file := filepath.Join(work, s.name)
		if err := os.WriteFile(file, s.text, 0o644); err != nil {
			return "", err
		}
		args = append(args, file)
	}
	if err := b.mmdebstrap(ctx, args); err != nil {
		return "", err
	}
	return archive, os.Rename(made, archive)
}

// packages are those of all the recipes, in order, each once.
func (b *builder) packages() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(b.dir, "*", "packages"))
	if err != nil {
		return nil, err
	}
	var packages []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		packages = append(packages, strings.Fields(string(text))...)
	}
	slices.Sort(packages)
	return slices.Compact(packages), nil
}

// cached is the beginning of the names of files in the cache.
func (b *builder) cached(name string, sum hash.Hash) string {
	return filepath.Join(b.cache, name+"-"+hex.EncodeToString(sum.Sum(nil))[:16])
}

// sumDir takes in the names, the modes and the texts of the files.
func sumDir(sum hash.Hash, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %v %q\n", strings.TrimPrefix(path, dir), info.Mode()&0o100 != 0, text)
		return err
	})
}

// mmdebstrap shows what the program printed only when it fails.
func (b *builder) mmdebstrap(ctx context.Context, args []string) error {
	program, err := lookPath("mmdebstrap")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	// Then it unmounts what it has mounted.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := b.run(cmd); err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", err, out.Bytes())
	}
	return nil
}
