package labels

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/projectatomic/atomic/labels/run"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		labels map[string]string
		name   string
		key    string
	}{
		{map[string]string{"RUN": "a", "run": "b", "Run": "c"}, "RUN", "RUN"},
		{map[string]string{"run": "b", "Run": "c"}, "RUN", "run"},
		{map[string]string{"Run": "c"}, "RUN", "Run"},
		{map[string]string{"rUN": "d"}, "RUN", ""},
		{map[string]string{"INSTALL": "a"}, "install", "INSTALL"},
		{map[string]string{"RUN": "", "run": "b"}, "RUN", "RUN"},
		{map[string]string{"STOP": "a", "stop": "b"}, "STOP", "stop"},
		{map[string]string{"STOP": "a", "stop": ""}, "STOP", "STOP"},
		{nil, "RUN", ""},
		{map[string]string{"RUN": "a"}, "", ""},
	} {
		text, ok := Find(c.labels, c.name)
		if text.Key != c.key || ok != (c.key != "") || text.Value != c.labels[c.key] {
			t.Errorf("Find(%v, %s) = %+v, %v, want %q", c.labels, c.name, text, ok, c.key)
		}
	}
}

func TestContainerName(t *testing.T) {
	for image, want := range map[string]string{
		"rhel7/rhel-tools":            "rhel-tools",
		"localhost:5000/a/b:1":        "b",
		"fedora@sha256:abc":           "fedora",
		"reg:5000/fedora:1@sha256:ab": "fedora",
		"busybox":                     "busybox",
		"sha256:0123456789abcdef":     "0123456789ab",
	} {
		if got := ContainerName(image); got != want {
			t.Errorf("ContainerName(%s) = %s, want %s", image, got, want)
		}
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		text string
		kind string
		code run.Code
	}{
		{"docker run IMAGE", "run", ""},
		{"/usr/bin/podman container run IMAGE", "run", ""},
		{"docker-latest run IMAGE", "run", ""},
		{"docker --log-level=debug -D -H unix:///x run IMAGE", "run", run.IgnoredFlag},
		{"docker -Hunix:///x run IMAGE", "run", run.IgnoredFlag},
		{"docker --nonsense run IMAGE", "", run.UnknownFlag},
		{"docker", "", UnknownVerb},
		{"docker rnu IMAGE", "", UnknownVerb},
		{"docker stop NAME", "engine-verb", ""},
		{"docker stop", "", run.BadValue},
		{"docker stop -t x NAME", "", run.BadValue},
		{"docker stop --frobnicate NAME", "", run.UnknownFlag},
		{"podman --version", "engine-verb", ""},
		{"docker exec -it NAME bash -c 'ls -la'", "engine-verb", ""},
		{"docker exec NAME", "", run.BadValue},
		{"docker exec --net=host NAME ls", "", run.UnknownFlag},
		{"docker cp NAME:/x /y", "engine-verb", ""},
		{"./docker run IMAGE", "host-command", ""},
		{"ls -la", "host-command", ""},
		{"sudo ls", "host-command", DroppedSudo},
		{"docker run -e HOME IMAGE", "run", run.EnvFromCaller},
		{"docker run IMAGE --privileged", "run", run.OptionAfterImage},
		{"docker run IMAGE sh --privileged", "run", run.OptionAfterImage},
		{"docker run IMAGE sh -c --foo", "run", ""},
		{"${OPT1}", "", Empty},
	} {
		r := Read(Text{Label: "RUN", Value: c.text}, Vars{Image: "web", Name: "web"}, nil)
		kind := ""
		if r.Action != nil {
			kind = r.Action.Kind()
		}
		has := slices.ContainsFunc(r.Findings, func(f run.Finding) bool { return f.Code == c.code })
		if kind != c.kind || c.code != "" && !has || c.code == "" && r.Findings != nil {
			t.Errorf("%s is %q with %v, want %q with %q", c.text, kind, r.Findings, c.kind, c.code)
		}
	}
}

func TestVerbForms(t *testing.T) {
	read := func(text string) EngineVerb {
		r := Read(Text{Label: "STOP", Value: text}, Vars{Name: "web", Image: "web"}, nil)
		a, ok := r.Action.(EngineVerb)
		if !ok {
			t.Fatalf("%s is %v: %v", text, r.Action, r.Findings)
		}
		return a
	}
	if a := read("docker stop -t 5 NAME other"); *a.Grace != 5 || !slices.Equal(a.Targets, []string{"web", "other"}) {
		t.Errorf("stop: %+v", a)
	}
	if a := read("docker kill -sHUP NAME"); a.Signal != "HUP" {
		t.Errorf("kill: %+v", a)
	}
	if a := read("docker rm NAME -fv"); !a.Force || !slices.Equal(a.Targets, []string{"web"}) {
		t.Errorf("rm: %+v", a)
	}
	if a := read("docker exec -e A=b NAME ls -t"); a.Exec.Env[0].Value != "b" || !slices.Equal(a.Exec.Args, []string{"ls", "-t"}) {
		t.Errorf("exec: %+v", a)
	}
	if a := read("docker pull x"); a.Unsupported == "" {
		t.Errorf("pull: %+v", a)
	}
}

func TestAllowUnset(t *testing.T) {
	vars := Vars{Image: "web", Name: "web", AllowUnset: true}
	r := Read(Text{Label: "RUN", Value: "docker run -e A=$NONE IMAGE"}, vars, nil)
	if r.Refused() || r.Action == nil || len(r.Findings) != 1 || r.Findings[0].Level != run.Warning {
		t.Errorf("%+v", r)
	}
}

func TestUserWordsAreUntouched(t *testing.T) {
	words := []string{"NAME", "$IMAGE", "a  b", "", "'", "--privileged", "x=NAME", "\n;#"}
	r := Read(Text{Label: "RUN", Value: "docker run IMAGE"}, Vars{Image: "web", Name: "web"}, words)
	a, ok := r.Action.(Run)
	if !ok || !slices.Equal(a.Spec.Args, words) || a.Spec.Privileged || r.Findings != nil {
		t.Errorf("%+v", r)
	}
}

func TestOptionsGoBehindRun(t *testing.T) {
	vars := Vars{Image: "web", Name: "web", Options: []string{"--rm", "--name", "other"}}
	for text, want := range map[string]string{
		"docker run -it IMAGE run":              "docker run --rm --name other -it web run",
		"podman --root run container run IMAGE": "podman --root run container run --rm --name other web",
		"docker stop NAME":                      "docker stop web",
		"echo run":                              "echo run",
	} {
		if r := Read(Text{Value: text}, vars, nil); Quote(r.Argv) != want || r.Action == nil {
			t.Errorf("%s reads %q %v, want %s", text, r.Argv, r.Findings, want)
		}
	}
}

// What is displayed, read again, is the action that is executed: for every
// case of the wild, with words of the user behind it.
func TestDisplayReadsBack(t *testing.T) {
	for _, c := range loadCases(t) {
		c.Words = append(c.Words, "NAME", "$IMAGE", "it's", "a  b", "", "x=NAME")
		r := c.read()
		if r.Action == nil || r.Refused() {
			continue
		}
		again := Read(Text{Label: c.Label, Value: Quote(r.Argv)}, Vars{Scalars: c.Env}, nil)
		if !slices.Equal(again.Argv, r.Argv) || !reflect.DeepEqual(again.Action, r.Action) {
			t.Errorf("%s: %s reads %+v, want %+v", c.ID, Quote(r.Argv), again.Action, r.Action)
		}
	}
}

func TestQuote(t *testing.T) {
	words := []string{"a", "", "a b", "it's", "$x", "NAME", "A=IMAGE", "IMAGES", `\`, "é", "a\nb"}
	want := `a '' 'a b' 'it'\''s' '$x' 'NAME' 'A=IMAGE' IMAGES '\' 'é' 'a` + "\n" + `b'`
	if got := Quote(words); got != want {
		t.Errorf("Quote = %s, want %s", got, want)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"docker run -it --name NAME -v $(pwd):/x:z ${OPT1} IMAGE \"${A:-b c}\"", "sudo podman kill -s HUP NAME",
		"docker -H x run -p [::1]:80:80/udp --mount type=tmpfs,dst=/t IMAGE '", "a;b|c`d`\\\n${E:-${F:-'g'}}",
	} {
		f.Add(text, "-e A=b")
	}
	f.Fuzz(func(t *testing.T, text, opt string) {
		vars := Vars{Image: "reg.example/web:1", Name: "web", Lists: map[string]string{"OPT1": opt}, Scalars: map[string]string{"PWD": "/srv"}}
		r := Read(Text{Label: "RUN", Value: text}, vars, []string{"word"})
		for _, finding := range r.Findings {
			if finding.Source == "" && finding.Offset+finding.Length > len(text) {
				t.Fatalf("%v points behind %q", finding, text)
			}
		}
		if r.Action == nil && !r.Refused() {
			t.Fatalf("%q is neither an action nor refused: %v", text, r)
		}
		odd := slices.ContainsFunc(r.Argv, func(w string) bool { return strings.ContainsFunc(w, unicode.IsControl) })
		if r.Action == nil || r.Refused() || odd {
			return
		}
		// What is displayed, read again without variables, is the same action.
		again := Read(Text{Label: "RUN", Value: Quote(r.Argv)}, Vars{Scalars: vars.Scalars}, nil)
		if !slices.Equal(again.Argv, r.Argv) || !reflect.DeepEqual(again.Action, r.Action) {
			t.Fatalf("%q displays as words that read %q\n%+v, want\n%+v", r.Argv, again.Argv, again.Action, r.Action)
		}
	})
}
