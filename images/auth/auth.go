// Package auth finds the credentials for the registry of an image, where
// docker login and podman login leave them.
//
// A file that the user names, by an option or in $REGISTRY_AUTH_FILE, is the
// only one that is read, and has to be there. Otherwise these are tried, and
// the first with credentials for the image counts:
//
//	$XDG_RUNTIME_DIR/containers/auth.json, or /run/containers/UID/auth.json
//	$XDG_CONFIG_HOME/containers/auth.json, or ~/.config/containers/auth.json
//	$DOCKER_CONFIG/config.json, or ~/.docker/config.json
//
// In a file, the key that fits most of the image's name wins: registry, then
// namespaces, then repository. Under the registry alone the helper programs of
// docker count too, and come before credentials in the file itself.
//
// Nothing here writes a secret anywhere, errors included.
package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"github.com/projectatomic/atomic/images"
)

// Files tells which auth files there are.
type Files struct {
	AuthFile string // named by the user; empty for the usual ones
	Getenv   func(string) string
	UID      int
	RunDir   string // empty is /run
}

// Find gives the credentials for the registry of an image, and tells where
// they come from. It gives nil if there are none.
func Find(ref string, files Files) (creds *images.Credentials, source string, err error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, "", fmt.Errorf("finding credentials for %q: %w", ref, err)
	}
	for _, p := range files.places() {
		f, err := load(p, files.UID)
		if err != nil {
			return nil, "", err
		}
		if f == nil {
			continue
		}
		creds, key, err := f.find(reference.Domain(named), reference.Path(named))
		if err != nil {
			return nil, "", fmt.Errorf("auth file %q: %w", p.path, err)
		}
		if creds != nil {
			return creds, fmt.Sprintf("%s, for %s", p.path, key), nil
		}
	}
	return nil, "", nil
}

// Check tells whether the file that the user names can be used, if one is
// named. It is for the moment before any work is done.
func Check(files Files) error {
	p, ok := files.named()
	if !ok {
		return nil
	}
	info, err := os.Stat(p.path)
	if err == nil && info.Mode().Type() == fs.ModeNamedPipe {
		return nil // can be read only once: <(…) of a shell
	}
	_, err = load(p, files.UID)
	return err
}

// A place is where an auth file may be.
type place struct {
	path  string
	named string // how the user named it; empty for the usual places
}

func (files Files) named() (place, bool) {
	if files.AuthFile != "" {
		return place{files.AuthFile, "auth file"}, true
	}
	if path := files.Getenv("REGISTRY_AUTH_FILE"); path != "" {
		return place{path, "auth file of $REGISTRY_AUTH_FILE"}, true
	}
	return place{}, false
}

// places are the files to read, in order.
func (files Files) places() []place {
	if p, ok := files.named(); ok {
		return []place{p}
	}
	var places []place
	add := func(dir string, names ...string) {
		if dir != "" {
			places = append(places, place{path: filepath.Join(append([]string{dir}, names...)...)})
		}
	}
	home := files.home()
	add(files.runtimeDir(), "auth.json")
	if config := files.Getenv("XDG_CONFIG_HOME"); config != "" {
		add(config, "containers", "auth.json")
	} else {
		add(home, ".config", "containers", "auth.json")
	}
	if docker := files.Getenv("DOCKER_CONFIG"); docker != "" {
		add(docker, "config.json")
	} else {
		add(home, ".docker", "config.json")
	}
	return places
}

func (files Files) runtimeDir() string {
	if dir := files.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "containers")
	}
	run := files.RunDir
	if run == "" {
		run = "/run"
	}
	return filepath.Join(run, "containers", strconv.Itoa(files.UID))
}

// home is the user's home directory. Services, and what cloud-init runs, have
// no HOME.
func (files Files) home() string {
	if home := files.Getenv("HOME"); home != "" {
		return home
	}
	u, err := user.LookupId(strconv.Itoa(files.UID))
	if err != nil {
		return ""
	}
	return u.HomeDir
}

// Parse reads USER[:PASSWORD]. The password is everything after the first
// colon and may be empty or missing, which comes to the same: somebody has to
// be asked for it. An error does not repeat what was given.
func Parse(creds string) (*images.Credentials, error) {
	name, password, _ := strings.Cut(creds, ":")
	if name == "" {
		return nil, errors.New("credentials are USER[:PASSWORD], these have no user")
	}
	return &images.Credentials{Username: name, Password: password}, nil
}
