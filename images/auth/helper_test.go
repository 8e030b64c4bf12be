package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// helper is a credential helper: it knows one registry, and notes what it is
// asked for.
const helper = `#!/bin/sh
key=$(cat)
echo "$1 $key" >> "$ASKED"
case $key in
reg.example|https://index.docker.io/v1/) printf '{"ServerURL": "%s", "Username": "helped", "Secret": "by"}' "$key" ;;
token.example) echo '{"Username": "<token>", "Secret": "tok"}' ;;
broken.example) echo '{"Username": "me", "Secret": "hunter2"}'; exit 1 ;;
garbled.example) echo 'oops' ;;
locked.example) echo 'the keyring is locked'; exit 1 ;;
*) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`

// install puts the helper into $PATH and gives a function that tells what it
// was asked for.
func install(t *testing.T, name string) (asked func() string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte(helper), 0o755); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "asked")
	t.Setenv("ASKED", log)
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return func() string {
		text, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", ", ")
	}
}

func TestFindAsksHelper(t *testing.T) {
	const plain = `"auths": {"reg.example": {"auth": "cGxhaW46dGV4dA=="}, "reg.example/ns": {"auth": "bmFtZTpzcGFjZQ=="}, "plain.example": {"auth": "cGxhaW46dGV4dA=="}}`
	for name, test := range map[string]struct {
		file, ref   string
		want, asked string
	}{
		"store":                   {`{"credsStore": "x"}`, "reg.example/a", "helped:by", "get reg.example"},
		"helper of the registry":  {`{"credHelpers": {"reg.example": "x"}}`, "reg.example/a", "helped:by", "get reg.example"},
		"helper of another":       {`{"credHelpers": {"other.example": "x"}}`, "reg.example/a", "", ""},
		"helper before the store": {`{"credsStore": "gone", "credHelpers": {"reg.example": "x"}}`, "reg.example/a", "helped:by", "get reg.example"},
		"no helper for this one":  {`{"credsStore": "x", "credHelpers": {"reg.example": ""}, ` + plain + `}`, "reg.example/a", "plain:text", ""},
		"helper before the file":  {`{"credsStore": "x", ` + plain + `}`, "reg.example/a", "helped:by", "get reg.example"},
		"namespace before helper": {`{"credsStore": "x", ` + plain + `}`, "reg.example/ns/a", "name:space", ""},
		"file after the helper":   {`{"credsStore": "x", ` + plain + `}`, "plain.example/a", "plain:text", "get plain.example"},
		"the hub":                 {`{"credsStore": "x"}`, "busybox", "helped:by", "get docker.io, get https://index.docker.io/v1/"},
		"the hub by docker's key": {`{"credHelpers": {"https://index.docker.io/v1/": "x"}}`, "busybox", "helped:by", "get https://index.docker.io/v1/"},
		"token":                   {`{"credsStore": "x"}`, "token.example/a", ":tok", "get token.example"},
		"helper does not know it": {`{"credsStore": "x"}`, "unknown.example/a", "", "get unknown.example"},
		"left by docker's login":  {`{"credsStore": "x", "auths": {"reg.example": {}}}`, "reg.example/a", "helped:by", "get reg.example"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := install(t, "x")
			u := newUser(t)
			u.write("home/.docker/config.json", test.file)
			if got, _ := u.find(test.ref); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := asked(); got != test.asked {
				t.Errorf("the helper was asked %q, want %q", got, test.asked)
			}
		})
	}
}

func TestFindHelperFails(t *testing.T) {
	for name, test := range map[string]struct{ file, ref, want string }{
		"not installed":  {`{"credsStore": "gone"}`, "reg.example/a", `"docker-credential-gone": executable file not found`},
		"fails":          {`{"credsStore": "x"}`, "locked.example/a", "the keyring is locked"},
		"fails with one": {`{"credsStore": "x"}`, "broken.example/a", "it failed"},
		"garbled":        {`{"credsStore": "x"}`, "garbled.example/a", "invalid character"},
		"a path":         {`{"credsStore": "../../tmp/x"}`, "reg.example/a", "not the name of a program"},
		"a path of one":  {`{"credHelpers": {"reg.example": "/bin/sh"}}`, "reg.example/a", "not the name of a program"},
	} {
		t.Run(name, func(t *testing.T) {
			install(t, "x")
			u := newUser(t)
			path := u.write("home/.docker/config.json", test.file)
			creds, _, err := Find(test.ref, u.files())
			if err == nil {
				t.Fatalf("no error, got %v", creds)
			}
			for _, want := range []string{path, test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q tells a secret", err)
			}
		})
	}
}

// A file that somebody else can write must not choose a program that runs with
// the user's rights.
func TestFindHelperOfOthers(t *testing.T) {
	for name, change := range map[string]func(path string, files *Files) error{
		"writable": func(path string, _ *Files) error { return os.Chmod(path, 0o606) },
		"of another user": func(path string, files *Files) error {
			if os.Getuid() == 0 {
				return os.Chown(path, 7, -1)
			}
			files.UID++
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked := install(t, "x")
			u := newUser(t)
			path := u.write("run/containers/auth.json", `{"credsStore": "x", "auths": {"reg.example": {"auth": "cGxhaW46dGV4dA=="}}}`)
			files := u.files()
			if err := change(path, &files); err != nil {
				t.Fatal(err)
			}
			creds, _, err := Find("reg.example/a", files)
			if err != nil || creds == nil || creds.Username != "plain" {
				t.Errorf("got %v, %v; want what the file itself has", creds, err)
			}
			files.AuthFile = path
			if _, _, err := Find("reg.example/a", files); err == nil || !strings.Contains(err.Error(), `"x" is not run`) {
				t.Errorf("named by the user: %v", err)
			}
			if got := asked(); got != "" {
				t.Errorf("the helper was asked %q", got)
			}
		})
	}
}
