package docker

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/shlex"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/labels/run"
)

var update = flag.Bool("update", false, "write testdata anew")

const flagsFile = "testdata/flags.txt"

// A flagCase is a line of flags and, indented below, the answer to them.
type flagCase struct {
	flags, answer string
	foreign       bool // podman's words
}

// flagCases reads the file; a case without flags is a comment.
func flagCases(t *testing.T) (cases []flagCase) {
	t.Helper()
	text, err := os.ReadFile(flagsFile)
	if err != nil {
		t.Fatal(err)
	}
	foreign := false
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		if strings.HasPrefix(block, "#") {
			foreign = strings.HasPrefix(block, "# What podman")
			cases = append(cases, flagCase{answer: block})
			continue
		}
		flags, answer, _ := strings.Cut(block, "\n")
		cases = append(cases, flagCase{flags, answer, foreign})
	}
	return cases
}

// spec is what the flags say, of an image.
func (c flagCase) spec(t *testing.T, image string) run.Spec {
	t.Helper()
	words, err := shlex.Split(c.flags)
	if err != nil {
		t.Fatal(err)
	}
	var argv []run.Word
	for _, w := range append(words, image, "true") {
		argv = append(argv, run.Word{Text: w})
	}
	spec, findings := run.Parse(argv, run.Caller{})
	for _, f := range findings {
		if f.Level == run.Error {
			t.Fatalf("%s: %s", c.flags, f.Message)
		}
	}
	return spec
}

// TestFlags holds what flags become against what was found right once.
func TestFlags(t *testing.T) {
	var blocks []string
	for _, c := range flagCases(t) {
		if c.flags == "" {
			blocks = append(blocks, c.answer)
			continue
		}
		spec := c.spec(t, "image")
		got := answer(t, spec, run.Spec{Image: "image", Args: []string{"true"}})
		blocks = append(blocks, c.flags+"\n"+got)
		if d := cmp.Diff(c.answer, got); d != "" && !*update {
			t.Errorf("%s (-want +got):\n%s", c.flags, d)
		}
	}
	if *update {
		if err := os.WriteFile(flagsFile, []byte(strings.Join(blocks, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// answer is what differs between the requests for two specs, and the findings.
func answer(t *testing.T, spec, plain run.Spec) string {
	t.Helper()
	request, findings := CreateRequest(spec)
	base, _ := CreateRequest(plain)
	got, without := flat(t, request), flat(t, base)
	var lines []string
	for k, v := range got {
		if without[k] != v {
			lines = append(lines, fmt.Sprintf("\t%s %s", k, v))
		}
	}
	for k := range without {
		if _, ok := got[k]; !ok {
			lines = append(lines, fmt.Sprintf("\t%s is not there", k))
		}
	}
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("\t%s %s %s: %s", f.Level, f.Code, f.Field, f.Message))
	}
	if lines == nil {
		return "\tnothing"
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// flat is a request as the API has it, two levels deep.
func flat(t *testing.T, request client.ContainerCreateOptions) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, part := range []struct {
		name  string
		value any
	}{
		{"Config", request.Config},
		{"HostConfig", request.HostConfig},
		{"Networking", request.NetworkingConfig},
		{"", map[string]any{"Name": request.Name, "Platform": request.Platform}},
	} {
		text, err := json.Marshal(part.value)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		for k, v := range fields {
			out[strings.TrimPrefix(part.name+"."+k, ".")] = string(v)
		}
	}
	return out
}

// TestEveryField sets each field of Spec alone: the request changes, a finding
// names the field, or it is one of the caller's.
func TestEveryField(t *testing.T) {
	fields := 0
	eachField(reflect.TypeFor[run.Spec](), nil, func(path []string) {
		fields++
		name := strings.Join(path, ".")
		base, changed := seed(), seed()
		set(t, reflect.ValueOf(&changed).Elem(), path)
		before, _ := CreateRequest(base)
		request, findings := CreateRequest(changed)
		named := slices.ContainsFunc(findings, func(f run.Finding) bool {
			return strings.HasPrefix(f.Field+".", path[0]+".") || strings.HasPrefix(f.Field, path[0]+"[")
		})
		differs := !reflect.DeepEqual(flat(t, before), flat(t, request))
		if slices.Contains(callerFields, name) {
			if differs || named {
				t.Errorf("%s is the caller's, but changes the request or has a finding", name)
			}
			return
		}
		if !differs && !named {
			t.Errorf("%s is passed over in silence", name)
		}
	})
	if fields < 110 {
		t.Errorf("only %d fields were looked at", fields)
	}
}

// seed has an element in every list of structures, so that its fields can be
// changed one by one.
func seed() run.Spec {
	range1 := run.PortRange{From: 80, To: 81, Protocol: "tcp"}
	return run.Spec{
		Env:          []run.EnvVar{{Name: "A", Value: "1"}},
		Mounts:       []run.Mount{{Type: run.Bind, Source: "/src", Target: "/dst"}},
		StorageOpts:  []run.Pair{{Name: "a", Value: "1"}},
		Devices:      []run.Device{{Source: "/dev/null"}},
		BlkioDevices: []run.DeviceWeight{{Path: "/dev/a", Weight: 10}},
		ReadBps:      []run.DeviceRate{{Path: "/dev/a", Rate: 10}},
		WriteBps:     []run.DeviceRate{{Path: "/dev/a", Rate: 10}},
		ReadIOps:     []run.DeviceRate{{Path: "/dev/a", Rate: 10}},
		WriteIOps:    []run.DeviceRate{{Path: "/dev/a", Rate: 10}},
		Networks:     []run.Network{{Name: "net", Options: []run.Pair{{Name: "alias", Value: "a"}}}},
		Ports:        []run.Port{{HostIP: "127.0.0.1", Host: range1, Container: range1}},
		Expose:       []run.PortRange{range1},
		Hosts:        []run.Pair{{Name: "a", Value: "10.0.0.1"}},
		SecurityOpts: []run.Pair{{Name: "a", Value: "1"}},
		Sysctls:      []run.Pair{{Name: "a", Value: "1"}},
		Ulimits:      []run.Ulimit{{Name: "core", Soft: 1, Hard: 2}},
		Labels:       []run.Pair{{Name: "a", Value: "1"}},
		Annotations:  []run.Pair{{Name: "a", Value: "1"}},
		LogOpts:      []run.Pair{{Name: "a", Value: "1"}},
	}
}

// eachField calls f with the path of every leaf; elements of lists of
// structures are gone into, other lists are leaves.
func eachField(t reflect.Type, path []string, f func([]string)) {
	for i := range t.NumField() {
		field := t.Field(i)
		at := append(slices.Clone(path), field.Name)
		elem := field.Type
		if elem.Kind() == reflect.Slice {
			elem = elem.Elem()
		}
		if elem.Kind() == reflect.Struct {
			eachField(elem, at, f)
		} else {
			f(at)
		}
	}
}

// samples are values for fields where any text or number will not do.
var samples = map[string]any{
	"Platform": "linux/arm64", "IP": "10.0.0.9", "IP6": "fd00::9", "MAC": "02:00:00:00:00:09",
	"LinkLocalIPs": []string{"169.254.0.9"}, "DNS": []string{"10.0.0.53"}, "GPUs": []string{"all"},
	"Attach": []string{"stdout"}, "Groups": []string{"7"}, "Mounts.Type": run.Tmpfs, "Mounts.Source": "/other",
	"Mounts.Options": []string{"ro"}, "Ports.HostIP": "127.0.0.2", "Restart.Policy": "always",
	"Ports.Host.From": uint16(79), "Ports.Host.To": uint16(90), "Ports.Container.From": uint16(81), "Ports.Container.To": uint16(80),
	"Ports.Container.Protocol": "udp", "Expose.Protocol": "udp", "Expose.From": uint16(79), "Expose.To": uint16(90),
	"PID": run.Host, "IPC": run.Host, "UTS": run.Host, "UserNS": run.Host, "CgroupNS": run.Host,
	"Networks.Options.Name": "ip",
}

// set gives the field at path, in the first elements of lists, another value.
func set(t *testing.T, v reflect.Value, path []string) {
	t.Helper()
	name := strings.Join(path, ".")
	for _, p := range path {
		v = v.FieldByName(p)
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct {
			v = v.Index(0)
		}
	}
	if s, ok := samples[name]; ok {
		v.Set(reflect.ValueOf(s))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 7)
	case reflect.Uint16, reflect.Uint64:
		v.SetUint(v.Uint() + 7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		v.Elem().SetInt(7)
	case reflect.Slice:
		v.Set(reflect.ValueOf([]string{"other"}))
	default:
		t.Fatalf("no value for %s", name)
	}
}
