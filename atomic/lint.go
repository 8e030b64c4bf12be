package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels"
	"github.com/projectatomic/atomic/labels/containerfile"
	"github.com/projectatomic/atomic/labels/run"
)

// Codes of findings about a label beside its text.
const (
	builderVariable run.Code = "builder-variable"
	shadowedLabel   run.Code = "shadowed-label"
)

func lintCommand(e *env) *cli.Command {
	o := &lintOptions{}
	return &cli.Command{
		Name:      "lint",
		Usage:     "show what labels mean and what is wrong with them",
		ArgsUsage: "[IMAGE] [-- ARG...]",
		Description: "The labels come from IMAGE, from a Containerfile (--file) or from the command line (--label).\n" +
			"ARG is what a user would type behind the image. The exit status is 1 when a finding is an error.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringSliceFlag{Name: "label", Usage: "judge `NAME=TEXT` (repeatable)", Destination: &o.texts},
			&cli.StringFlag{Name: "file", Aliases: []string{"f"}, Usage: "judge the labels of the Containerfile `FILE`; - is standard input", Destination: &o.file},
			&cli.StringSliceFlag{Name: "build-arg", Usage: "with --file, build with the ARG `NAME=VALUE` (repeatable)", Destination: &o.buildArgs},
			&cli.StringFlag{Name: "image", Usage: "with --label or --file, the image is called `REF`", Value: "localhost/image", Destination: &o.image},
			o.nameFlag(),
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json", Destination: &o.json},
			&cli.StringFlag{Name: "format", Usage: "print as `FORMAT`: text or json", Value: "text", Destination: &o.format},
		}, o.variableFlags()),
		Action: func(c *cli.Context) error {
			o.words = c.Args().Slice()
			if err := o.check(c); err != nil {
				return usageError{"atomic lint", err.Error()}
			}
			return runLint(c.Context, e, o)
		},
	}
}

type lintOptions struct {
	labelOptions
	texts     cli.StringSlice
	file      string
	buildArgs cli.StringSlice
	image     string
	fromImage bool
	words     []string
	json      bool
	format    string
}

// check tells where the labels come from.
func (o *lintOptions) check(c *cli.Context) error {
	if o.json {
		o.format = "json"
	}
	if o.format != "text" && o.format != "json" {
		return fmt.Errorf("--format takes text or json, not %q", o.format)
	}
	for _, text := range o.texts.Value() {
		if name, _, ok := strings.Cut(text, "="); !ok || name == "" {
			return fmt.Errorf("--label takes NAME=TEXT, not %q", text)
		}
	}
	given := len(o.texts.Value()) > 0
	switch {
	case given && o.file != "":
		return errors.New("--label and --file exclude each other")
	case given || o.file != "":
		return nil
	case c.IsSet("image"):
		o.fromImage = true
	case len(o.words) > 0:
		o.image, o.words, o.fromImage = o.words[0], o.words[1:], true
	default:
		return errors.New("too few arguments: give an IMAGE, --label or --file")
	}
	return nil
}

// A judged label is what lint prints.
type judged struct {
	Label    string        `json:"label"`
	Line     int           `json:"line,omitempty"` // of the Containerfile
	Action   string        `json:"action,omitempty"`
	Argv     []string      `json:"argv"`
	Spec     *run.Spec     `json:"spec,omitempty"`
	Risks    []string      `json:"risks"`
	Findings []run.Finding `json:"findings"`

	text labels.Text
}

func runLint(ctx context.Context, e *env, o *lintOptions) error {
	all, lines, findings, err := o.source(ctx, e)
	if err != nil {
		return err
	}
	var results []judged
	for _, text := range o.wanted(all) {
		j, err := o.judge(e, text, all)
		if err != nil {
			return err
		}
		j.Line = lines[text.Key]
		j.Findings = append(j.Findings, findings[text.Key]...)
		results = append(results, j)
	}
	if err := o.print(e, results); err != nil {
		return err
	}
	for _, j := range results {
		if slices.ContainsFunc(j.Findings, func(f run.Finding) bool { return f.Level == run.Error }) {
			return statusError(exitFailed)
		}
	}
	return nil
}

// source gives the labels and what their source alone can tell of them.
func (o *lintOptions) source(ctx context.Context, e *env) (all map[string]string, lines map[string]int, findings map[string][]run.Finding, err error) {
	all, lines, findings = map[string]string{}, map[string]int{}, map[string][]run.Finding{}
	switch {
	case o.file != "":
		err = o.readFile(e, all, lines, findings)
	case o.fromImage:
		err = e.withEngine(ctx, func(eng images.Engine) error {
			img, err := eng.Image(ctx, o.image)
			all = img.Labels
			return err
		})
	default:
		for _, text := range o.texts.Value() {
			name, value, _ := strings.Cut(text, "=")
			all[name] = value
		}
	}
	for key := range all {
		if winner, ok := labels.Find(all, strings.ToUpper(key)); ok && winner.Key != key && isVerb(key) {
			findings[winner.Key] = append(findings[winner.Key], run.Finding{
				Code: shadowedLabel, Level: run.Warning, Message: "the label " + key + " is never read: " + winner.Key + " comes first",
				Hint: "keep one spelling of the label",
			})
		}
	}
	return all, lines, findings, err
}

func isVerb(key string) bool { return slices.Contains(labels.Verbs(), strings.ToUpper(key)) }

func (o *lintOptions) readFile(e *env, all map[string]string, lines map[string]int, findings map[string][]run.Finding) error {
	in := e.stdin
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	args := map[string]string{}
	for _, arg := range o.buildArgs.Value() {
		name, value, _ := strings.Cut(arg, "=")
		args[name] = value
	}
	const most = 4 << 20 // bytes; no Containerfile is as long
	found, err := containerfile.Read(io.LimitReader(in, most), args)
	if err != nil {
		return fmt.Errorf("reading %s: %w", o.file, err)
	}
	for _, l := range found {
		all[l.Name], lines[l.Name] = l.Value, l.Line
		if !isVerb(l.Name) {
			continue
		}
		for _, name := range l.Emptied {
			findings[l.Name] = append(findings[l.Name], run.Finding{
				Code: builderVariable, Level: run.Warning,
				Message: "the builder replaces $" + name + " by nothing before the label is stored",
				Hint:    `write \$` + name + ", or put the label's value in single quotes",
			})
		}
	}
	return nil
}

// wanted are the labels to judge: those given, or those that hold commands.
func (o *lintOptions) wanted(all map[string]string) []labels.Text {
	var texts []labels.Text
	for _, given := range o.texts.Value() {
		name, value, _ := strings.Cut(given, "=")
		texts = append(texts, labels.Text{Label: name, Key: name, Value: value})
	}
	if texts != nil {
		return texts
	}
	for _, verb := range labels.Verbs() {
		if text, ok := labels.Find(all, verb); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

func (o *lintOptions) judge(e *env, text labels.Text, all map[string]string) (judged, error) {
	name := o.name
	if name == "" {
		name = labels.ContainerName(o.image)
	}
	vars, err := e.vars(o.image, name, &o.labelOptions)
	if err != nil {
		return judged{}, err
	}
	reading, err := e.read(text, all, vars, o.words)
	if err != nil {
		return judged{}, err
	}
	j := judged{Label: text.Label, Argv: append([]string{}, reading.Argv...), Risks: []string{}, Findings: append([]run.Finding{}, reading.Findings...), text: text}
	if reading.Action != nil {
		j.Action = reading.Action.Kind()
	}
	for _, r := range reading.Risks {
		j.Risks = append(j.Risks, string(r.Name))
	}
	if a, ok := reading.Action.(labels.Run); ok {
		j.Spec = &a.Spec
		if e.globals.engine != "" {
			more, err := engineFindings(images.Kind(e.globals.engine), a.Spec)
			j.Findings = append(j.Findings, more...)
			return j, err
		}
	}
	return j, nil
}

// engineFindings asks the code for an engine, not the engine, what it makes of
// a spec.
func engineFindings(kind images.Kind, spec run.Spec) ([]run.Finding, error) {
	if kind != images.Docker && kind != images.Podman {
		return nil, usageError{"atomic lint", "--engine takes docker or podman"}
	}
	eng, err := connect(kind, "unix:///nowhere")
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	// What the caller resolves is no matter of the engine's.
	spec.EnvFiles, spec.LabelFiles = nil, nil
	spec.Env = slices.DeleteFunc(slices.Clone(spec.Env), func(v run.EnvVar) bool { return v.FromCaller })
	return eng.Check(spec), nil
}

// print writes one object for one --label, else a list.
func (o *lintOptions) print(e *env, results []judged) error {
	if o.format == "json" {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "    ")
		enc.SetEscapeHTML(false)
		if len(o.texts.Value()) == 1 {
			return enc.Encode(results[0])
		}
		return enc.Encode(append([]judged{}, results...))
	}
	if len(results) == 0 {
		fmt.Fprintln(e.stdout, "no label holds a command")
	}
	toStdout := *e
	toStdout.stderr = e.stdout
	for _, j := range results {
		j.show(&toStdout)
	}
	return nil
}

func (j judged) show(e *env) {
	where := ""
	if j.Line > 0 {
		where = fmt.Sprintf(" (line %d)", j.Line)
	}
	action := j.Action
	if action == "" {
		action = "refused"
	}
	e.notef("%s%s: %s", j.Label, where, action)
	if len(j.Argv) > 0 {
		e.notef("    %s", printable(labels.Quote(j.Argv)))
	}
	for _, name := range j.Risks {
		e.notef("    risk %s: %s", name, riskWords[run.RiskName(name)])
	}
	e.showFindings(j.text, j.Findings, true)
}
