package installed

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
)

const (
	idA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	idB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// bare is an ID as Podman spells it.
func bare(id string) string { return strings.TrimPrefix(id, "sha256:") }

// given makes a file with the text.
func given(t testing.TB, text string) Records {
	t.Helper()
	path := filepath.Join(t.TempDir(), "install.json")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Open(path)
}

func content(t testing.TB, r Records) string {
	t.Helper()
	data, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPath(t *testing.T) {
	for _, test := range []struct{ file, dir, want string }{
		{"", "", "/var/lib/atomic/install.json"},
		{"", "/lib", "/lib/install.json"},
		{"/x/records", "/lib", "/x/records"},
	} {
		vars := map[string]string{"ATOMIC_INSTALL_JSON": test.file, "ATOMIC_VAR_LIB": test.dir}
		if got := Path(func(name string) string { return vars[name] }); got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}

func TestDate(t *testing.T) {
	zone := time.FixedZone("east", 3600)
	if got := Date(time.Date(2017, 3, 1, 0, 30, 5, 999, zone)); got != "2017-02-28 23:30:05" {
		t.Errorf("got %q", got)
	}
}

// The file is the original's, to the byte.
func TestAddFormat(t *testing.T) {
	r := Open(filepath.Join(t.TempDir(), "lib", "atomic", "install.json"))
	noError(t, r.Add(t.Context(), "z", Entry{idB, "z", "2017-03-01 12:00:00"}))
	noError(t, r.Add(t.Context(), "etcd", Entry{idA, "<one>", "2017-03-01 12:00:00"}))
	noError(t, r.Add(t.Context(), "docker.io/library/etcd:latest", Entry{idA, "two", "2017-03-02 12:00:00"}))
	want := `{
    "etcd": [
        {
            "container_name": "<one>",
            "id": "` + idA + `",
            "install_date": "2017-03-01 12:00:00"
        },
        {
            "container_name": "two",
            "id": "` + idA + `",
            "install_date": "2017-03-02 12:00:00"
        }
    ],
    "z": [
        {
            "container_name": "z",
            "id": "` + idB + `",
            "install_date": "2017-03-01 12:00:00"
        }
    ]
}
`
	if diff := cmp.Diff(want, content(t, r)); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]os.FileMode{r.path: 0o644, filepath.Dir(r.path): 0o755} {
		info, err := os.Stat(name)
		noError(t, err)
		if got := info.Mode().Perm(); got&^want != 0 || got&0o400 == 0 {
			t.Errorf("%s has mode %v", name, got)
		}
	}
}

func TestAddAgain(t *testing.T) {
	e := Entry{idA, "one", "2017-03-01 12:00:00"}
	later := Entry{bare(idA), "one", "2018-03-01 12:00:00"} // of another engine
	r := given(t, "")
	noError(t, r.Add(t.Context(), "etcd:latest", e))
	noError(t, r.Add(t.Context(), "etcd", Entry{idA, "other", ""}))
	noError(t, r.Add(t.Context(), "etcd", later))
	noError(t, r.Add(t.Context(), "etcd:3", e)) // another image
	doc, err := r.read()
	noError(t, err)
	if diff := cmp.Diff([]string{"etcd:3", "etcd:latest"}, doc.keys()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Entry{later, {idA, "other", ""}}, doc.entries("etcd:latest")); diff != "" {
		t.Error(diff)
	}
}

// What others wrote stays, whatever it is.
func TestPreserve(t *testing.T) {
	r := given(t, `{
  "etcd": {"id": "`+idA+`", "container_name": "one", "rpm_installed_files": ["/a<&>b", "\u00e9"], "n": 12345678901234567890.10},
  "old": {"install_id": "x"}, "text": "kept", "none": null, "number": 1e400,
  "mixed": [1, null, {"id": "`+idB+`", "container_name": "m", "nvra": {"z": 1, "a": 2}}, "x"]}`)
	noError(t, os.Chmod(r.path, 0o600))
	noError(t, r.Add(t.Context(), "etcd", Entry{idA, "one", "D"}))
	noError(t, r.Remove(t.Context(), Found{[]string{"mixed", "gone", "none"}, Entry{ID: idB, ContainerName: "m"}}))
	want := `{
    "etcd": [
        {
            "container_name": "one",
            "id": "` + idA + `",
            "install_date": "D",
            "n": 12345678901234567890.10,
            "rpm_installed_files": [
                "/a<&>b",
                "\u00e9"
            ]
        }
    ],
    "mixed": [
        1,
        null,
        "x"
    ],
    "none": null,
    "number": 1e400,
    "old": {
        "install_id": "x"
    },
    "text": "kept"
}
`
	if diff := cmp.Diff(want, content(t, r)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(r.path)
	noError(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the mode became %v", info.Mode())
	}
	if err := r.Add(t.Context(), "text", Entry{}); err == nil || !strings.Contains(err.Error(), `"text" is neither`) {
		t.Errorf("adding to what is no list: %v", err)
	}
	if diff := cmp.Diff(want, content(t, r)); diff != "" {
		t.Error(diff)
	}
}

func TestRemove(t *testing.T) {
	r := given(t, `{"a": [{"id": "`+idA+`", "container_name": "one"}, {"id": "`+bare(idA)+`", "container_name": "two"}],
		"localhost/a": {"id": "`+bare(idA)+`", "container_name": "one"}, "b": [{"id": "`+idB+`", "container_name": "one"}]}`)
	found, err := r.Match(images.Image{ID: idA}, idA)
	noError(t, err)
	if diff := cmp.Diff([]Found{
		{[]string{"a", "localhost/a"}, Entry{idA, "one", ""}},
		{[]string{"a"}, Entry{bare(idA), "two", ""}},
	}, found); diff != "" {
		t.Fatal(diff)
	}
	for _, step := range []struct {
		remove Found
		keys   []string
		names  []string // left under a
	}{
		{found[0], []string{"a", "b"}, []string{"two"}},
		{found[0], []string{"a", "b"}, []string{"two"}}, // again
		{found[1], []string{"b"}, nil},
	} {
		noError(t, r.Remove(t.Context(), step.remove))
		doc, err := r.read()
		noError(t, err)
		var names []string
		for _, e := range doc.entries("a") {
			names = append(names, e.ContainerName)
		}
		if diff := cmp.Diff(step.keys, doc.keys()) + cmp.Diff(step.names, names); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMatch(t *testing.T) {
	const digest = "@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	list := func(id string) string { return `[{"id": "` + id + `", "container_name": "c"}]` }
	img := images.Image{ID: idA, Names: []string{"registry.example/ns/etcd:3", "etcd:3"}, Digests: []string{"etcd" + digest}}
	tests := map[string]struct {
		key   string
		value string
		img   images.Image
		typed string
		want  bool
	}{
		"as typed":                 {"Not A Reference", list(idB), img, "Not A Reference", true},
		"ID as key":                {idA, list(idB), img, "x", true},
		"ID of podman as key":      {bare(idA), list(""), img, "x", true},
		"ID in the record":         {"other", list(idA), img, "x", true},
		"ID of podman in it":       {"other", list(bare(idA)), img, "x", true},
		"short key, long typed":    {"busybox", list(idB), img, "docker.io/library/busybox:latest", true},
		"long key, short typed":    {"docker.io/library/busybox:latest", list(idB), img, "busybox", true},
		"key with tag":             {"busybox:latest", list(idB), img, "busybox", true},
		"key with a name":          {"registry.example/ns/etcd:3", list(idB), img, "x", true},
		"a name in full":           {"docker.io/library/etcd:3", list(idB), img, "x", true},
		"digest":                   {"docker.io/library/etcd" + digest, list(idB), img, "x", true},
		"the oldest form":          {"etcd:3", `{"install_id": "` + idB + `"}`, img, "x", true},
		"its ID":                   {"other", `{"install_id": "` + bare(idA) + `"}`, img, "x", true},
		"an empty object":          {"x", `{}`, img, "x", true},
		"another tag":              {"etcd:4", list(idB), img, "x", false},
		"no tag is latest":         {"etcd", list(idB), img, "etcd:3", false},
		"key without registry":     {"ns/etcd:3", list(idB), img, "x", true},
		"and typed with one":       {"ns/busybox", list(idB), img, "registry.example:5000/ns/busybox:latest", true},
		"and another tag":          {"ns/etcd", list(idB), img, "x", false},
		"key of docker.io":         {"docker.io/ns/etcd:3", list(idB), img, "x", false},
		"another registry":         {"registry.example/ns/busybox", list(idB), img, "ns/busybox", false},
		"another image":            {"other", list(idB), img, "x", false},
		"part of an ID":            {"aaaa", list("aaaa"), img, "x", false},
		"no ID on either side":     {"other", list(""), images.Image{}, "x", false},
		"nothing under the key":    {"x", `[]`, img, "x", false},
		"null under the key":       {"x", `null`, img, "x", false},
		"no records under the key": {"x", `[1, "a", null, [{}]]`, img, "x", false},
		"text under the key":       {"x", `"` + idA + `"`, img, "x", false},
		"fields of other types":    {"other", `[{"id": 5, "container_name": []}]`, img, "x", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := given(t, `{"`+test.key+`": `+test.value+`}`).Match(test.img, test.typed)
			noError(t, err)
			if got := len(found) > 0; got != test.want {
				t.Errorf("got %+v", found)
			}
			for _, f := range found {
				if diff := cmp.Diff([]string{test.key}, f.Keys); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// A name without a registry only counts if there is nothing better.
func TestMatchBest(t *testing.T) {
	r := given(t, `{"ns/etcd": [{"id": "`+idB+`", "container_name": "short"}], "registry.example/ns/etcd": [{"id": "`+idB+`", "container_name": "long"}]}`)
	for typed, want := range map[string]string{
		"registry.example/ns/etcd": "long",
		"other.example/ns/etcd":    "short",
		"ns/etcd:latest":           "short",
	} {
		found, err := r.Match(images.Image{ID: idA}, typed)
		noError(t, err)
		if len(found) != 1 || found[0].Entry.ContainerName != want {
			t.Errorf("%s: got %+v", typed, found)
		}
	}
}

// Installing a newer version of an image, as is done after a pull, leaves one
// install, and its end none; also where the original has left two.
func TestUpgrade(t *testing.T) {
	img := images.Image{ID: idB, Names: []string{"docker.io/library/etcd:latest"}}
	originals := given(t, `{"etcd": [{"id": "`+idA+`", "container_name": "c"}, {"id": "`+idB+`", "container_name": "c"}]}`)
	ours := given(t, "")
	noError(t, ours.Add(t.Context(), "etcd", Entry{idA, "c", "2017-03-01 12:00:00"}))
	noError(t, ours.Add(t.Context(), "etcd:latest", Entry{idB, "c", "2018-03-01 12:00:00"}))
	doc, err := ours.read()
	noError(t, err)
	if diff := cmp.Diff([]Entry{{idB, "c", "2018-03-01 12:00:00"}}, doc.entries("etcd")); diff != "" {
		t.Error(diff)
	}
	for name, r := range map[string]Records{"ours": ours, "the original's": originals} {
		found, err := r.Match(img, "etcd")
		noError(t, err)
		if len(found) != 1 {
			t.Fatalf("%s: found %+v", name, found)
		}
		noError(t, r.Remove(t.Context(), found[0]))
		if found, err := r.Match(img, "etcd"); err != nil || len(found) != 0 {
			t.Errorf("%s: left are %+v, %v", name, found, err)
		}
	}
}

func TestNothingRecorded(t *testing.T) {
	for name, r := range map[string]Records{
		"no directory": Open(filepath.Join(t.TempDir(), "gone", "install.json")),
		"empty":        given(t, ""),
		"blank":        given(t, " \n"),
		"null":         given(t, "null"),
		"{}":           given(t, "{}"),
	} {
		t.Run(name, func(t *testing.T) {
			found, err := r.Match(images.Image{ID: idA}, "x")
			if err != nil || len(found) != 0 {
				t.Errorf("got %v, %v", found, err)
			}
			noError(t, r.Check())
			noError(t, r.Remove(t.Context(), Found{[]string{"x"}, Entry{}}))
			noError(t, r.Add(context.Background(), "x", Entry{ID: idA}))
			if found, err = r.Match(images.Image{ID: idA}, "y"); err != nil || len(found) != 1 {
				t.Errorf("got %v, %v", found, err)
			}
		})
	}
}
