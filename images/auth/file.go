package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"

	"github.com/projectatomic/atomic/images"
)

// fileLimit is more than any auth file needs, in bytes.
const fileLimit = 1 << 20

// A file is an auth file that was read.
type file struct {
	*configfile.ConfigFile
	// trusted says that the helper programs that the file names may be run:
	// nobody but the user and root can have written their names.
	trusted bool
	named   bool // by the user
}

// load reads a file. One in a usual place that is not there is nil.
func load(p place, uid int) (*file, error) {
	what := p.named
	if what == "" {
		what = "auth file"
	}
	data, info, err := read(p.path)
	if p.named == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	f := &file{ConfigFile: configfile.New(p.path), trusted: isTrusted(info, uid), named: p.named != ""}
	if err := f.LoadFromReader(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("%s %q: %w", what, p.path, locate(data, err))
	}
	return f, nil
}

func read(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err == nil && len(data) > fileLimit {
		err = fmt.Errorf("%q has more than %d bytes", path, fileLimit)
	}
	return data, info, err
}

func isTrusted(info fs.FileInfo, uid int) bool {
	const othersWrite = 0o002
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	return info.Mode().IsRegular() && info.Mode().Perm()&othersWrite == 0 && (owner == uid || owner == 0)
}

// locate tells where in a file the mistake is, which the library does not.
func locate(data []byte, err error) error {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: the end is missing", lineAt(data, len(data)))
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %w", lineAt(data, int(syntax.Offset)), err)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("line %d: it is to be an object", lineAt(data, int(kind.Offset)))
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s cannot be %s", lineAt(data, int(kind.Offset)), kind.Field, kind.Value)
	}
	return fmt.Errorf("auths, %q: %w", culprit(data), err)
}

// culprit finds the key whose credentials cannot be read, by reading each
// alone.
func culprit(data []byte) string {
	var whole struct {
		Auths map[string]json.RawMessage `json:"auths"`
	}
	if json.NewDecoder(bytes.NewReader(data)).Decode(&whole) != nil {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(whole.Auths)) {
		one, err := json.Marshal(map[string]any{"auths": map[string]json.RawMessage{key: whole.Auths[key]}})
		if err != nil || configfile.New("").LoadFromReader(bytes.NewReader(one)) != nil {
			return key
		}
	}
	return ""
}

func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}

// find gives the credentials in the file for a repository, and the key they
// are under.
func (f *file) find(registry, path string) (*images.Credentials, string, error) {
	for key := registry + "/" + path; key != registry; key = key[:strings.LastIndexByte(key, '/')] {
		if creds := convert(f.AuthConfigs[key]); creds != nil {
			return creds, key, nil
		}
	}
	keys := hostKeys(registry)
	for _, key := range keys[:min(2, len(keys))] {
		if creds, err := f.askHelper(key); creds != nil || err != nil {
			return creds, key, err
		}
	}
	for _, key := range keys {
		if creds := convert(f.AuthConfigs[key]); creds != nil {
			return creds, key, nil
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.AuthConfigs)) {
		creds := convert(f.AuthConfigs[key])
		if creds != nil && isAddress(key) && slices.Contains(keys, credentials.ConvertToHostname(key)) {
			return creds, key, nil
		}
	}
	return nil, "", nil
}

// hostKeys are the keys for a registry. Docker Hub goes by several: podman
// logs in to docker.io, and docker to a page of an index that is no more.
// Helpers know the first two.
func hostKeys(registry string) []string {
	if registry != "docker.io" {
		return []string{registry}
	}
	return []string{"docker.io", "https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io"}
}

// isAddress tells whether a key is the address of a registry, as old versions
// of docker wrote it. The path of an address is not a namespace.
func isAddress(key string) bool {
	return strings.Contains(key, "://") || strings.HasSuffix(key, "/v1/") || strings.HasSuffix(key, "/v2/")
}

// convert gives nil for an entry without credentials, as docker leaves them
// where a helper has them.
func convert(c types.AuthConfig) *images.Credentials {
	if c.Username == "" && c.IdentityToken == "" {
		return nil
	}
	return &images.Credentials{Username: c.Username, Password: c.Password, IdentityToken: c.IdentityToken}
}

// askHelper runs the helper program that the file names for a registry, or for
// all of them.
func (f *file) askHelper(key string) (*images.Credentials, error) {
	helper, ok := f.CredentialHelpers[key]
	if !ok {
		helper = f.CredentialsStore
	}
	switch {
	case helper == "":
		return nil, nil
	case !isProgramName(helper):
		return nil, fmt.Errorf("the credential helper %q is not the name of a program", helper)
	case !f.trusted && f.named:
		return nil, fmt.Errorf("the credential helper %q is not run: others can write this file", helper)
	case !f.trusted:
		return nil, nil
	}
	c, err := credentials.NewNativeStore(f.ConfigFile, helper).Get(key)
	if err != nil {
		return nil, fmt.Errorf("asking the credential helper %q for %s: %w", helper, key, withoutSecret(err))
	}
	return convert(c), nil
}

// isProgramName keeps paths out: a helper is found in $PATH and nowhere else.
func isProgramName(helper string) bool {
	return strings.IndexFunc(helper, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	}) < 0
}

// withoutSecret drops the answer of a helper, which the library puts into its
// errors, where that may be one with a secret.
func withoutSecret(err error) error {
	if strings.Contains(err.Error(), "Secret") {
		return errors.New("it failed")
	}
	return err
}
