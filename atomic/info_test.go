package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/projectatomic/atomic/images"
)

func TestInfo(t *testing.T) {
	te := newTestEnv(t)
	img := te.addImage(day(1), map[string]string{
		"RUN": "docker run \x1b[31mIMAGE", "Name": "web", "summary": "two\nlines", "a": "",
	}, "reg.example/web:1")
	te.addImage(day(2), nil, "bare")
	labels := "Name: web\nRUN: docker run ·[31mIMAGE\na: \nsummary: two\nlines\n"
	for _, group := range []string{"", "images "} {
		te.check(call{args: group + "info reg.example/web:1", stdout: "Image Name: reg.example/web:1\n" + labels})
		te.check(call{args: group + "info " + shortID(img.ID), stdout: "Image Name: " + shortID(img.ID) + "\n" + labels})
		te.check(call{args: group + "info bare", stdout: "Image Name: bare\n"})
		te.check(call{
			args:   group + "info none",
			stderr: "atomic: inspecting image \"none\": not found\n  get it with atomic pull none, or see what is there with atomic images list\n",
			status: exitNotFound,
		})
	}
}

func TestInfoOfContainer(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(day(1), map[string]string{"n": "1"}, "web")
	te.addImage(day(1), map[string]string{"n": "2"}, "both")
	c := te.addContainer("tools", "web", false)
	te.addContainer("both", "web", false)
	te.check(call{args: "info tools", stdout: "Image Name: web\nn: 1\n", stderr: "tools is a container, made of image web\n"})
	te.check(call{args: "info both", stdout: "Image Name: both\nn: 2\n"})
	// What begins like the ID of a container is not its name.
	if _, _, status := te.run("info", c.ID[:12]); status != exitNotFound {
		t.Errorf("status %d", status)
	}
}

func TestInfoJSON(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(day(1), nil, "bare")
	text := te.mustRun("info", "bare", "--json") // options may stand behind
	for _, want := range []string{`"digests": []`, `"labels": {}`, `"names": [`, "\n    \"name\": \"bare\",\n    \"id\": \"sha256:"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	labels := map[string]string{"RUN": "docker run <\x1b> & IMAGE", "b": "c"}
	img := te.addImage(day(1), labels, "web")
	var got struct {
		Name string
		images.Image
	}
	if err := json.Unmarshal([]byte(te.mustRun("info", "--format=json", "web")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "web" || got.ID != img.ID || got.Size != img.Size || !got.Created.Equal(day(1)) || got.Labels["RUN"] != labels["RUN"] || got.OS != "linux" {
		t.Errorf("got %+v", got)
	}
}
