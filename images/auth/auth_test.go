package auth

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
)

// An account is somebody with a home and a runtime directory.
type account struct {
	t    *testing.T
	dir  string
	vars map[string]string
}

func newUser(t *testing.T) *account {
	t.Helper()
	dir := t.TempDir()
	return &account{t, dir, map[string]string{"HOME": filepath.Join(dir, "home"), "XDG_RUNTIME_DIR": filepath.Join(dir, "run")}}
}

// write puts a file below the user's directory.
func (u *account) write(name, content string) string {
	u.t.Helper()
	path := filepath.Join(u.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		u.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		u.t.Fatal(err)
	}
	return path
}

func (u *account) files() Files {
	return Files{
		Getenv: func(name string) string { return u.vars[name] },
		UID:    os.Getuid(),
		RunDir: filepath.Join(u.dir, "sysrun"),
	}
}

// find gives "user:password" and the source without the user's directory.
func (u *account) find(ref string) (creds, source string) {
	u.t.Helper()
	c, source, err := Find(ref, u.files())
	if err != nil {
		u.t.Fatal(err)
	}
	if c == nil {
		return "", source
	}
	return c.Username + ":" + c.Password + c.IdentityToken, strings.ReplaceAll(source, u.dir+"/", "")
}

// auths writes an auth file with user u0, u1, … and password p0, p1, … for
// the keys.
func auths(keys ...string) string {
	var entries []string
	for i, key := range keys {
		code := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "u%d:p%d", i, i))
		entries = append(entries, fmt.Sprintf("%q: {\"auth\": %q}", key, code))
	}
	return `{"auths": {` + strings.Join(entries, ", ") + `}}`
}

func TestFindKey(t *testing.T) {
	for name, test := range map[string]struct {
		keys []string
		ref  string
		want string // the index of the key, empty for none
	}{
		"registry":                  {[]string{"reg.example"}, "reg.example/a/b:1", "0"},
		"registry with port":        {[]string{"reg.example", "reg.example:5000"}, "reg.example:5000/a", "1"},
		"another port":              {[]string{"reg.example:5000"}, "reg.example/a", ""},
		"another registry":          {[]string{"reg.example"}, "other.example/a", ""},
		"repository":                {[]string{"reg.example", "reg.example/a/b/c", "reg.example/a/b", "reg.example/a"}, "reg.example/a/b/c:1", "1"},
		"namespace":                 {[]string{"reg.example", "reg.example/a", "reg.example/a/b"}, "reg.example/a/b/c", "2"},
		"outer namespace":           {[]string{"reg.example", "reg.example/a"}, "reg.example/a/b/c", "1"},
		"half a name":               {[]string{"reg.example", "reg.example/ab"}, "reg.example/abc/d", "0"},
		"a namespace is no address": {[]string{"reg.example/other"}, "reg.example/a", ""},
		"digest":                    {[]string{"reg.example/a"}, "reg.example/a@sha256:" + strings.Repeat("0", 64), "0"},
		"tag of a repository":       {[]string{"reg.example/a:1"}, "reg.example/a:1", ""},
		"localhost":                 {[]string{"localhost:5000"}, "localhost:5000/a", "0"},

		"docker's key of the hub":     {[]string{"https://index.docker.io/v1/"}, "busybox", "0"},
		"podman's key of the hub":     {[]string{"docker.io"}, "busybox", "0"},
		"old key of the hub":          {[]string{"index.docker.io"}, "docker.io/a/b", "0"},
		"older key of the hub":        {[]string{"https://registry-1.docker.io/v2/"}, "a/b", "0"},
		"podman's key first":          {[]string{"https://index.docker.io/v1/", "docker.io"}, "busybox", "1"},
		"official images":             {[]string{"docker.io", "docker.io/library"}, "busybox:1", "1"},
		"one official image":          {[]string{"docker.io/library", "docker.io/library/busybox"}, "busybox:1", "1"},
		"the hub's key elsewhere":     {[]string{"https://index.docker.io/v1/"}, "reg.example/a", ""},
		"an address":                  {[]string{"https://reg.example"}, "reg.example/a", "0"},
		"an address with a path":      {[]string{"http://reg.example:5000/v1/"}, "reg.example:5000/a", "0"},
		"a path without a scheme":     {[]string{"reg.example/v2/"}, "reg.example/a", "0"},
		"the name before the address": {[]string{"https://reg.example", "reg.example"}, "reg.example/a", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUser(t)
			u.write("home/.docker/config.json", auths(test.keys...))
			creds, source := u.find(test.ref)
			want, wantSource := "", ""
			if test.want != "" {
				want = "u" + test.want + ":p" + test.want
				wantSource = "home/.docker/config.json, for " + test.keys[test.want[0]-'0']
			}
			if creds != want || source != wantSource {
				t.Errorf("got %q from %q, want %q from %q", creds, source, want, wantSource)
			}
		})
	}
}

func TestFindOrder(t *testing.T) {
	const ref, key = "reg.example/a", "reg.example"
	u := newUser(t)
	expect := func(file string) {
		t.Helper()
		want := file + ", for " + key
		if file == "" {
			want = ""
		}
		if _, source := u.find(ref); source != want {
			t.Errorf("found in %q, want %q", source, want)
		}
	}
	expect("")
	for _, file := range []string{
		"home/.docker/config.json",
		"home/.config/containers/auth.json",
		"run/containers/auth.json",
	} {
		u.write(file, auths(key))
		expect(file)
	}

	delete(u.vars, "XDG_RUNTIME_DIR")
	expect("home/.config/containers/auth.json")
	file := fmt.Sprintf("sysrun/containers/%d/auth.json", os.Getuid())
	u.write(file, auths(key))
	expect(file)
	u.write(file, auths("other.example"))
	expect("home/.config/containers/auth.json")

	u.vars["XDG_CONFIG_HOME"] = filepath.Join(u.dir, "config")
	expect("home/.docker/config.json")
	u.write("config/containers/auth.json", auths(key))
	expect("config/containers/auth.json")

	u.vars["DOCKER_CONFIG"] = filepath.Join(u.dir, "docker")
	u.write("docker/config.json", auths(key))
	u.vars["XDG_CONFIG_HOME"] = filepath.Join(u.dir, "nothing")
	expect("docker/config.json")
	u.vars["DOCKER_CONFIG"] = filepath.Join(u.dir, "home", ".docker", "config.json") // not a directory
	expect("")
}

func TestFindNamedFileIsTheOnlyOne(t *testing.T) {
	u := newUser(t)
	u.write("run/containers/auth.json", auths("reg.example"))
	mine := u.write("mine.json", auths("mine.example"))
	other := u.write("other.json", auths("other.example"))
	empty := u.write("empty.json", "")

	u.vars["REGISTRY_AUTH_FILE"] = other
	files := u.files()
	for _, test := range []struct{ authFile, ref, want string }{
		{"", "other.example/a", other},
		{"", "reg.example/a", ""},
		{mine, "mine.example/a", mine},
		{mine, "other.example/a", ""},
		{mine, "reg.example/a", ""},
		{empty, "reg.example/a", ""},
	} {
		files.AuthFile = test.authFile
		creds, source, err := Find(test.ref, files)
		if err != nil || (creds == nil) != (test.want == "") || !strings.HasPrefix(source, test.want) {
			t.Errorf("%s with %q: found in %q, %v; want %q", test.ref, test.authFile, source, err, test.want)
		}
	}
}

func TestFindWithoutHome(t *testing.T) {
	u := newUser(t)
	delete(u.vars, "HOME")
	places := u.files().places()
	var paths []string
	for _, p := range places {
		paths = append(paths, p.path)
	}
	if len(places) != 3 || !strings.HasSuffix(paths[2], "/.docker/config.json") || !filepath.IsAbs(paths[2]) {
		t.Errorf("places are %q", paths)
	}
	nobody := u.files()
	nobody.UID = 1<<31 - 7
	if places := nobody.places(); len(places) != 1 {
		t.Errorf("a user without an account has places %q", places)
	}
}

func TestFindForms(t *testing.T) {
	for name, test := range map[string]struct {
		entry string
		want  *images.Credentials
	}{
		"auth":              {`{"auth": "bWU6c2Vj"}`, &images.Credentials{Username: "me", Password: "sec"}},
		"colons":            {`{"auth": "bWU6czplOmM="}`, &images.Credentials{Username: "me", Password: "s:e:c"}},
		"fields":            {`{"username": "me", "password": "sec"}`, &images.Credentials{Username: "me", Password: "sec"}},
		"token":             {`{"auth": "bWU6", "identitytoken": "tok"}`, &images.Credentials{Username: "me", IdentityToken: "tok"}},
		"only a token":      {`{"identitytoken": "tok"}`, &images.Credentials{IdentityToken: "tok"}},
		"with a mail":       {`{"auth": "bWU6c2Vj", "email": "me@example"}`, &images.Credentials{Username: "me", Password: "sec"}},
		"left by a helper":  {`{}`, nil},
		"only a mail":       {`{"email": "me@example"}`, nil},
		"nothing":           {`null`, nil},
		"password, no user": {`{"password": "sec"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUser(t)
			u.write("run/containers/auth.json", `{"auths": {"reg.example": `+test.entry+`}, "HttpHeaders": {"A": "b"}, "unknown": [1]}`)
			got, _, err := Find("reg.example/a", u.files())
			if err != nil {
				t.Fatal(err)
			}
			if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestFindMalformed(t *testing.T) {
	for name, test := range map[string]struct{ content, want string }{
		"syntax":         {"{\n  \"auths\": {\n    \"a\": nonsense\n", "line 3: invalid character"},
		"no end":         {"{\n  \"auths\": {\n", "line 3: the end is missing"},
		"not an object":  {"\n[]", "line 2: it is to be an object"},
		"a word":         {`"auths"`, "line 1: it is to be an object"},
		"wrong type":     {"{\n\"auths\": 5}", "line 2: auths cannot be number"},
		"wrong helpers":  {`{"credHelpers": ["x"]}`, "line 1: credHelpers cannot be array"},
		"base64":         {`{"auths": {"good": {"auth": "bWU6c2Vj"}, "bad": {"auth": "%c2VjcmV0"}}}`, `auths, "bad": illegal base64`},
		"no colon":       {`{"auths": {"bad": {"auth": "c2VjcmV0"}}}`, `auths, "bad": invalid auth`},
		"no user":        {`{"auths": {"bad": {"auth": "OnNlY3JldA=="}}}`, `auths, "bad": invalid auth`},
		"more than that": {strings.Repeat(" ", fileLimit+1), "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUser(t)
			path := u.write("run/containers/auth.json", test.content)
			for _, ref := range []string{"good/a:1", "elsewhere.example/a"} {
				creds, _, err := Find(ref, u.files())
				if err == nil {
					t.Fatalf("no error, found %v", creds)
				}
				for _, want := range []string{path, test.want} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
				if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "c2Vj") {
					t.Errorf("error %q tells a secret", err)
				}
			}
		})
	}
}

func TestCheck(t *testing.T) {
	u := newUser(t)
	good := u.write("good.json", auths("reg.example"))
	bad := u.write("bad.json", "{")
	gone := filepath.Join(u.dir, "gone.json")
	u.write("run/containers/auth.json", "{") // not looked at: nobody named it
	for _, test := range []struct {
		option, variable string
		want             []string // in the error, nil for none
	}{
		{"", "", nil},
		{good, "", nil},
		{"", good, nil},
		{good, gone, nil},
		{gone, "", []string{gone, "no such file"}},
		{gone, good, []string{gone}},
		{"", gone, []string{"$REGISTRY_AUTH_FILE", gone}},
		{bad, "", []string{bad, "line 1"}},
		{u.dir, "", []string{u.dir}},
	} {
		u.vars["REGISTRY_AUTH_FILE"] = test.variable
		files := u.files()
		files.AuthFile = test.option
		err := Check(files)
		if (err == nil) != (test.want == nil) {
			t.Errorf("option %q, variable %q: %v", test.option, test.variable, err)
			continue
		}
		if _, _, findErr := Find("reg.example/a", files); test.want != nil && (findErr == nil || findErr.Error() != err.Error()) {
			t.Errorf("Find gives %v, Check %v", findErr, err)
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
	}
}

func TestFindReference(t *testing.T) {
	u := newUser(t)
	for _, ref := range []string{"", "reg.example/UPPER", "a b", "sha256:x/", strings.Repeat("0", 64)} {
		if _, _, err := Find(ref, u.files()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", ref)) {
			t.Errorf("%q: error %v", ref, err)
		}
	}
}

func TestParse(t *testing.T) {
	for creds, want := range map[string]*images.Credentials{
		"me:sec":    {Username: "me", Password: "sec"},
		"me":        {Username: "me"},
		"me:":       {Username: "me"},
		"me:s:e:c:": {Username: "me", Password: "s:e:c:"},
		"me: sec ":  {Username: "me", Password: " sec "},
		"":          nil,
		":secret":   nil,
	} {
		got, err := Parse(creds)
		if (err != nil) != (want == nil) {
			t.Errorf("%q: error %v", creds, err)
			continue
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("error %q tells the secret", err)
		}
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: got %v, want %v", creds, cmp.Diff(want, got), got)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(auths("reg.example", "https://index.docker.io/v1/"), "reg.example/a/b:1")
	f.Add(`{"auths": {"x": {"auth": "%"}}, "credsStore": ""}`, "busybox")
	f.Fuzz(func(t *testing.T, content, ref string) {
		u := newUser(t)
		u.vars["REGISTRY_AUTH_FILE"] = u.write("auth.json", content)
		if err := os.Chmod(u.vars["REGISTRY_AUTH_FILE"], 0o602); err != nil { // so that no helper runs
			t.Fatal(err)
		}
		creds, source, err := Find(ref, u.files())
		if (creds == nil) != (source == "") || err != nil && creds != nil {
			t.Errorf("got %v from %q, %v", creds, source, err)
		}
	})
}
