package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/shlex"
	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/fake"
	"github.com/projectatomic/atomic/labels/run"
	"github.com/projectatomic/atomic/tests/console"
)

var update = flag.Bool("update", false, "write the generated parts of the documents again")

const docsDir = "../docs"

// pageName is that of a command's page.
func pageName(command string) string {
	if command == "" {
		return "atomic.1.md"
	}
	return "atomic-" + command + ".1.md"
}

// manual are the pages that there have to be, and the command of each, which
// is the root's with an empty name.
func manual(app *cli.App) map[string]*cli.Command {
	pages := map[string]*cli.Command{pageName(""): {Name: "atomic", ArgsUsage: "*COMMAND*", Flags: app.Flags}}
	for _, c := range app.Commands {
		pages[pageName(c.Name)] = c
	}
	return pages
}

// generated are the parts of a document between their marks.
type generated map[string]string

// fill puts the parts into a document.
func (g generated) fill(t *testing.T, document string) string {
	t.Helper()
	for name, text := range g {
		begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
		before, rest, found := strings.Cut(document, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("no marks %s in the document", name)
		}
		document = before + begin + text + end + after
	}
	return document
}

// TestDocs compares what is generated in the documents with the tree of
// commands and the tables of options and risks.
func TestDocs(t *testing.T) {
	app := newApp(osEnv())
	parts := map[string]generated{"labels.md": {"flags": flagTable(), "risks": riskTable()}}
	for page, c := range manual(app) {
		parts[page] = generated{"options": optionsText(c)}
	}
	root := parts[pageName("")]
	root["commands"], root["risks"] = commandList(app), riskList()
	for file, part := range parts {
		path := filepath.Join(docsDir, file)
		old := readDoc(t, file)
		filled := part.fill(t, old)
		if *update {
			if err := os.WriteFile(path, []byte(filled), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(strings.Split(old, "\n"), strings.Split(filled, "\n")); diff != "" {
			t.Errorf("docs/%s is not what it would be; run go test ./atomic -run TestDocs -update\n%s", file, diff)
		}
	}
}

func readDoc(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docsDir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// optionsText describes the options of a command and of those below it.
func optionsText(c *cli.Command) string {
	var b strings.Builder
	if len(c.Subcommands) == 0 {
		writeOptions(&b, c.Flags)
	}
	for _, sub := range c.Subcommands {
		arguments := ""
		if sub.ArgsUsage != "" {
			arguments = " " + sub.ArgsUsage
		}
		fmt.Fprintf(&b, "\n### %s\n\n**atomic %s %s** [*OPTIONS*]%s: %s.\n\n", sub.Name, c.Name, sub.Name, arguments, sub.Usage)
		writeOptions(&b, sub.Flags)
	}
	return b.String() + "\n"
}

func writeOptions(b *strings.Builder, flags []cli.Flag) {
	for _, f := range visibleFlags(flags) {
		usage, value := f.GetUsage(), ""
		if f.TakesValue() {
			value = "value"
			if parts := strings.Split(usage, "`"); len(parts) == 3 {
				value = parts[1]
			}
		}
		var names []string
		for _, name := range f.Names() {
			spelled := "**" + dashed(name) + "**"
			switch {
			case value != "" && len(name) > 1:
				spelled += "=*" + value + "*"
			case value != "":
				spelled += " *" + value + "*"
			}
			names = append(names, spelled)
		}
		usage = strings.ReplaceAll(usage, "`", "*")
		fmt.Fprintf(b, "\n%s\n: %s%s\n", strings.Join(names, ", "), usage, defaultText(f))
	}
}

// defaultText tells the default of an option that has one.
func defaultText(f cli.Flag) string {
	switch f := f.(type) {
	case *cli.StringFlag:
		if f.Value != "" {
			return " (default: " + f.Value + ")"
		}
	case *cli.BoolFlag:
		if f.Value {
			return " (default: true)"
		}
	}
	return ""
}

func commandList(app *cli.App) string {
	var b strings.Builder
	for _, c := range app.Commands {
		fmt.Fprintf(&b, "\n**%s**\n: %s; see **atomic-%s**(1)\n", c.Name, c.Usage, c.Name)
	}
	return b.String() + "\n"
}

func riskList() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(riskWords)) {
		must := ""
		if slices.Contains(needAccepting, name) {
			must = " (*must be accepted*)"
		}
		fmt.Fprintf(&b, "\n**%s**\n: %s%s\n", name, riskWords[name], must)
	}
	return b.String() + "\n"
}

func riskTable() string {
	var b strings.Builder
	b.WriteString("\n| Risk | What it means |\n| --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(riskWords)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, riskWords[name])
	}
	return b.String() + "\n"
}

func flagTable() string {
	var b strings.Builder
	b.WriteString("\n| Option | Value | Field of the spec |\n| --- | --- | --- |\n")
	for _, f := range run.Flags() {
		names := "`--" + f.Name + "`"
		for _, also := range f.Also {
			names += ", `--" + also + "`"
		}
		if f.Short != "" {
			names += ", `" + f.Short + "`"
		}
		field := f.Field
		if f.Refused != "" {
			field = "*refused*: " + f.Refused
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", names, strings.ReplaceAll(f.Takes, "|", `\|`), field)
	}
	return b.String() + "\n"
}

// sections are the headings of a page of the manual, in order; those in
// brackets may be missing.
var sections = []string{
	"NAME", "SYNOPSIS", "DESCRIPTION", "[COMMANDS]", "[ENGINE]", "[RISKS]", "OPTIONS", "EXIT STATUS", "[ENVIRONMENT]", "[FILES]", "EXAMPLE", "SEE ALSO",
}

// TestManual walks over the tree of commands: each has its page, with all
// sections, and there is no other.
func TestManual(t *testing.T) {
	app := newApp(osEnv())
	pages := manual(app)
	files, err := filepath.Glob(filepath.Join(docsDir, "atomic*.1.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		files[i] = filepath.Base(file)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(pages)), slices.Sorted(slices.Values(files))); diff != "" {
		t.Errorf("commands without a page, or pages without a command:\n%s", diff)
	}
	known := knownOptions(app)
	for page, c := range pages {
		text := readDoc(t, page)
		name := strings.TrimSuffix(page, ".1.md")
		if !strings.Contains(text, "# NAME\n\n"+name+" - ") || !strings.HasPrefix(text, `% "`+strings.ToUpper(name)+`" "1" `) {
			t.Errorf("%s: the title or the name is another's", page)
		}
		if c.Usage != "" && !strings.Contains(text, name+" - "+c.Usage+"\n") {
			t.Errorf("%s: the name does not say %q, as --help does", page, c.Usage)
		}
		if len(c.Subcommands) == 0 && !strings.Contains(text, c.ArgsUsage+"\n") && !strings.Contains(text, c.ArgsUsage+" [") {
			t.Errorf("%s: the synopsis has no %s", page, c.ArgsUsage)
		}
		checkSections(t, page, text)
		for _, found := range regexp.MustCompile(`--[a-z][a-z0-9-]*`).FindAllString(text, -1) {
			if !known[found] && found != "--priveleged" { // as in the example
				t.Errorf("%s: nothing has an option %s", page, found)
			}
		}
	}
}

func checkSections(t *testing.T, page, text string) {
	t.Helper()
	var got []string
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for _, found := range regexp.MustCompile(`(?m)^# (.*)$`).FindAllStringSubmatch(text, -1) {
		got = append(got, found[1])
	}
	for _, s := range sections {
		name := strings.Trim(s, "[]")
		if len(got) > 0 && got[0] == name {
			got = got[1:]
		} else if name == s {
			t.Errorf("%s: no section %s in its place", page, s)
		}
	}
	if len(got) > 0 {
		t.Errorf("%s: sections of no kind or out of order: %q", page, got)
	}
}

// knownOptions are those of all commands, and those of run.
func knownOptions(app *cli.App) map[string]bool {
	known := map[string]bool{}
	for _, c := range completions(app) {
		for _, option := range c.Options {
			known[option] = true
		}
	}
	for _, f := range run.Flags() {
		known["--"+f.Name] = true
		for _, also := range f.Also {
			known["--"+also] = true
		}
	}
	return known
}

// A finding that users see is explained.
func TestLabelsDocHasCodes(t *testing.T) {
	text := readDoc(t, "labels.md")
	code := regexp.MustCompile(`(?m)^\s+\w+\s+(?:run\.)?Code\s+= "([a-z-]+)"`)
	count := 0
	for _, file := range []string{"lint.go", "../labels/labels.go", "../labels/run/finding.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range code.FindAllStringSubmatch(string(source), -1) {
			count++
			if !strings.Contains(text, "| `"+found[1]+"` |") {
				t.Errorf("docs/labels.md does not explain the code %s", found[1])
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d codes found", count)
	}
}

// exampleBefore is what was typed before the example of a page.
var exampleBefore = map[string][]string{
	"atomic-uninstall.1.md":  {"install example/log"},
	"atomic-stop.1.md":       {"--ignore run example/log sleep 1000"},
	"atomic-images.1.md":     {"run example/tools echo again"},
	"atomic-containers.1.md": {"run example/tools echo again"},
}

// TestManualExamples types the examples.
func TestManualExamples(t *testing.T) {
	for page := range manual(newApp(osEnv())) {
		t.Run(page, func(t *testing.T) {
			te := exampleWorld(t)
			for _, line := range exampleBefore[page] {
				te.mustRun(strings.Fields(line)...)
			}
			sessions := console.Sessions(readDoc(t, page))
			if len(sessions) != 1 {
				t.Fatalf("%d examples", len(sessions))
			}
			for _, command := range sessions[0] {
				words, err := shlex.Split(command.Text)
				if err != nil || words[0] != "atomic" {
					t.Fatalf("%s: %v", command.Text, err)
				}
				var printed bytes.Buffer
				te.env(nil, &printed, &printed).main(t.Context(), words)
				if err := command.Check(printed.String()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// exampleWorld has the images of the examples.
func exampleWorld(t *testing.T) *testEnv {
	t.Helper()
	r := enginetest.NewRegistry(t)
	r.Push(t, "team/log:2", enginetest.ImageOptions{Bare: true})
	te := newTestEnv(t, fake.WithMirror("registry.example.com", r.Host))
	te.addImage(te.now(), map[string]string{"RUN": "docker run -i --name NAME --pid=host -v /:/host IMAGE"}, "example/tools:latest")
	te.addImage(te.now(), map[string]string{
		"RUN":       "docker run -d --privileged --net=host --name NAME -v /var/log:/var/log IMAGE",
		"INSTALL":   "docker run --rm -v /etc:/host/etc IMAGE echo installing",
		"UNINSTALL": "docker run --rm -v /etc:/host/etc IMAGE echo uninstalling",
		"STOP":      "docker stop -t 0 NAME",
	}, "example/log:latest")
	return te
}

// Documents name files of the source, which move.
func TestDocsNameFilesThatExist(t *testing.T) {
	named := regexp.MustCompile("`([a-z]+/[a-zA-Z0-9_/.-]+)`|\\]\\(([^)#]+)[^)]*\\)")
	documents, err := filepath.Glob(docsDir + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := filepath.Glob(docsDir + "/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	documents = append(append(documents, decisions...), "../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md")
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range named.FindAllStringSubmatch(string(text), -1) {
			path := filepath.Join("..", found[1])
			if found[2] != "" {
				path = filepath.Join(filepath.Dir(document), found[2])
			}
			first, _, _ := strings.Cut(found[1], "/")
			source := slices.Contains([]string{"atomic", "labels", "images", "docs", "tests"}, first)
			if strings.Contains(found[2], "://") || found[2] == "" && !source {
				continue
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s names %s: %v", document, found[0], err)
			}
		}
	}
}
