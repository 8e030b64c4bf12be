package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/projectatomic/atomic"
	root   = "../.."
)

// A file of Go source. Folders are below the root, without a leading slash.
type file struct {
	name    string // of the file, with its folder
	dir     string
	test    bool
	lines   int
	imports []string
	ast     *ast.File
	set     *token.FileSet
}

// at is the place of something in the file.
func (f file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.name, f.set.Position(n.Pos()).Line)
}

// source reads all files of the module.
func source(t *testing.T) []file {
	t.Helper()
	set := token.NewFileSet()
	var files []file
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "build" || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		tree, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f := file{
			name: rel, dir: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), ast: tree, set: set,
			lines: set.File(tree.FileStart).LineCount(),
		}
		for _, spec := range tree.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d files of Go below %s", len(files), root)
	}
	return files
}

// below tells whether a folder or an import path is another or in it.
func below(name, parent string) bool { return name == parent || strings.HasPrefix(name, parent+"/") }

func belowAny(name string, parents []string) bool {
	return slices.ContainsFunc(parents, func(p string) bool { return below(name, p) })
}

// own are the folders of ours that each may import, and why no others. What is
// not here is tests and documents, which may import anything of ours but the
// command.
var own = []struct {
	dir string
	may []string
	why string
}{
	{"labels/run", nil, "a spec is the bottom: whoever reads or carries one out depends on it, and it on nobody"},
	{"labels/containerfile", nil, "it reads a file of a builder and knows nothing of what the labels mean"},
	{"labels", []string{"labels/run"}, "labels are text; engines and the command carry out what comes of them"},
	{"images/enginetest", []string{"images", "labels/run"}, "the suite knows the contract, and no engine"},
	{"images/docker", []string{"images", "labels/run"}, "an engine gets specs, never text, and knows no other engine"},
	{"images/podman", []string{"images", "labels/run"}, "an engine gets specs, never text, and knows no other engine"},
	{"images/fake", []string{"images", "labels/run"}, "an engine gets specs, never text, and knows no other engine"},
	{"images/auth", []string{"images"}, "credentials are found before there is an engine"},
	{"images/installed", []string{"images"}, "the record is about images, whatever their engine"},
	{"images", []string{"labels/run"}, "the contract does not know who keeps it"},
	{"systemd", []string{"labels/run"}, "a unit is written from a spec"},
	{"storage", nil, "the host's storage stands alone"},
	{"host", nil, "the host stands alone"},
	{"atomic", []string{"labels", "images"}, "the command is the only one that knows all, and nobody imports it"},
	{"docs", nil, "documents are made of what is in them"},
}

// fromTests may be imported by tests of any package.
var fromTests = []string{"images/enginetest", "images/fake", "tests/real", "tests/console", "labels/run", "images"}

func TestOwnImports(t *testing.T) {
	for _, f := range source(t) {
		for _, imported := range f.imports {
			target, ours := strings.CutPrefix(imported, module+"/")
			if !ours || target == f.dir {
				continue
			}
			if below(target, "atomic") {
				t.Errorf("%s imports %s: nobody imports the command", f.name, target)
			}
			for _, rule := range own {
				if !below(f.dir, rule.dir) {
					continue
				}
				if f.test && slices.Contains(fromTests, target) {
					break
				}
				allowed := slices.ContainsFunc(rule.may, func(m string) bool {
					// Only the command reaches below a package.
					return target == m || rule.dir == "atomic" && below(target, m)
				})
				if !allowed {
					t.Errorf("%s imports %s: %s", f.name, target, rule.why)
				}
				break
			}
			if !f.test && f.dir == "atomic" && belowAny(target, []string{"images/fake", "images/enginetest"}) {
				t.Errorf("%s imports %s: the fake and the suite are for tests", f.name, target)
			}
		}
	}
}

// others are the libraries that only some folders may import.
var others = []struct {
	library string
	may     []string
	why     string
}{
	{"github.com/urfave/cli", []string{"atomic"}, "only the command knows options"},
	{"github.com/moby/moby/client", []string{"images/docker"}, "only images/docker speaks to Docker"},
	{"github.com/docker/docker", nil, "it is not kept up any more; github.com/moby/moby is"},
	{"github.com/containers/podman/v4/pkg/bindings", []string{"images/podman"}, "only images/podman speaks to Podman"},
	{"github.com/coreos/go-systemd", []string{"systemd"}, "only systemd manages units"},
	{"github.com/godbus/dbus", []string{"systemd", "host"}, "only systemd and host are on the bus"},
	{"github.com/google/go-containerregistry", []string{"images/enginetest", "images/fake", "tests"}, "pulling is the engine's; only the fake and tests do it themselves"},
	{"os/exec", []string{"images/podman/service.go", "atomic/hostcommand.go", "tests"}, "programs are started in the runner files alone"},
}

// podmanPackages are those of Podman's that may be linked: the rest of its
// bindings reads files at the start and brings the engine's own code.
var podmanPackages = []string{"github.com/containers/podman/v4/pkg/bindings", "github.com/containers/podman/v4/pkg/errorhandling"}

func TestOtherImports(t *testing.T) {
	for _, f := range source(t) {
		for _, imported := range f.imports {
			if below(imported, "github.com/containers/podman") && !slices.Contains(podmanPackages, imported) {
				t.Errorf("%s imports %s: of Podman's packages only %v may be linked", f.name, imported, podmanPackages)
			}
			if f.test {
				continue // a test may look with other eyes, and start programs
			}
			for _, rule := range others {
				if below(imported, rule.library) && !belowAny(f.name, rule.may) {
					t.Errorf("%s imports %s: %s", f.name, imported, rule.why)
				}
			}
		}
	}
}

func TestPackages(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range source(t) {
		if f.test {
			continue
		}
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "pkg", "misc"}, f.ast.Name.Name) {
			t.Errorf("%s: a package is named after what it is about, %s is not", f.name, f.ast.Name.Name)
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a comment that says what the package is for", dir)
		}
	}
}
