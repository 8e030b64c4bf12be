package arch

import (
	"go/ast"
	"go/token"
	"slices"
	"testing"
)

// What fits a reader's head.
const (
	fileLines     = 500
	functionLines = 100
	methods       = 7 // of an interface, embedded ones not counted
)

func TestSizes(t *testing.T) {
	var all []int
	for _, f := range source(t) {
		if f.lines > fileLines {
			t.Errorf("%s has %d lines, more than %d", f.name, f.lines, fileLines)
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				lines := f.linesOf(n)
				if f.test {
					lines -= f.tableLines(n)
				}
				all = append(all, lines)
				if lines > functionLines {
					t.Errorf("%s: %s has %d lines, more than %d", f.at(n), n.Name.Name, lines, functionLines)
				}
			case *ast.InterfaceType:
				if own := ownMethods(n); own > methods {
					t.Errorf("%s: an interface with %d methods, more than %d", f.at(n), own, methods)
				}
			}
			return true
		})
	}
	slices.Sort(all)
	if p95 := all[len(all)*95/100]; p95 > 60 {
		t.Errorf("one function in twenty has more than %d lines", p95)
	}
}

func (f file) linesOf(n ast.Node) int {
	return f.set.Position(n.End()).Line - f.set.Position(n.Pos()).Line + 1
}

// tableLines are those of the tables in a test: data, not code.
func (f file) tableLines(n ast.Node) int {
	lines := 0
	ast.Inspect(n, func(n ast.Node) bool {
		if table, ok := n.(*ast.CompositeLit); ok {
			lines += f.linesOf(table) - 1
			return false
		}
		return true
	})
	return lines
}

func ownMethods(n *ast.InterfaceType) int {
	count := 0
	for _, m := range n.Methods.List {
		count += len(m.Names)
	}
	return count
}

func TestNoInit(t *testing.T) {
	for _, f := range source(t) {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: an init function: whoever needs something made calls for it", f.at(fn))
			}
		}
	}
}

// changing are the variables that something other than the program sets: the
// linker, and the flags of a test.
var changing = map[string]bool{"atomic/app.go version": true}

// A variable of a package that is assigned to, or whose address is taken, is
// state that every caller shares. Tables, regular expressions and errors are
// made once.
func TestNoMutableVariables(t *testing.T) {
	variables := map[string]map[string]string{} // by folder and name: its place
	files := source(t)
	for _, f := range files {
		if f.test {
			continue
		}
		if variables[f.dir] == nil {
			variables[f.dir] = map[string]string{}
		}
		for _, decl := range f.ast.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				v := spec.(*ast.ValueSpec)
				for _, name := range v.Names {
					if name.Name == "_" {
						continue // only a type is checked
					}
					variables[f.dir][name.Name] = f.at(name)
					if len(v.Values) == 0 && !embedded(gen, v) {
						t.Errorf("%s: %s has no value, so something will change it", f.at(name), name.Name)
					}
				}
			}
		}
	}
	for _, f := range files {
		if f.test {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				findChanges(t, f, fn, variables[f.dir])
			}
		}
	}
}

// embedded tells whether the linker or the compiler fills a variable.
func embedded(gen *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{gen.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return len(c.Text) > 8 && c.Text[:8] == "//go:emb" }) {
			return true
		}
	}
	return false
}

// findChanges finds assignments to variables of the package. A name that the
// function has for itself as well is left out.
func findChanges(t *testing.T, f file, fn *ast.FuncDecl, variables map[string]string) {
	t.Helper()
	local := localNames(fn)
	changed := func(n ast.Node, target ast.Expr) {
		for {
			switch e := target.(type) {
			case *ast.IndexExpr:
				target = e.X
				continue
			case *ast.SelectorExpr:
				target = e.X
				continue
			case *ast.ParenExpr:
				target = e.X
				continue
			case *ast.Ident:
				if place, ok := variables[e.Name]; ok && !local[e.Name] && !changing[f.name+" "+e.Name] {
					t.Errorf("%s: %s, a variable of the package (%s), is changed", f.at(n), e.Name, place)
				}
			}
			return
		}
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, target := range n.Lhs {
					changed(n, target)
				}
			}
		case *ast.IncDecStmt:
			changed(n, n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				if id, ok := n.X.(*ast.Ident); ok {
					changed(n, id)
				}
			}
		}
		return true
	})
}

// localNames are the names that a function declares, parameters included.
func localNames(fn *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			names[id.Name] = true
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			add(n.Names...)
		case *ast.ValueSpec:
			add(n.Names...)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					if id, ok := e.(*ast.Ident); ok {
						add(id)
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					add(id)
				}
			}
		}
		return true
	})
	return names
}

// TestExportedNames sees to it that what others may use says what it is for.
func TestExportedNames(t *testing.T) {
	for _, f := range source(t) {
		if f.test || f.ast.Name.Name == "main" {
			continue
		}
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
					t.Errorf("%s: %s says nothing of itself", f.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				checkExported(t, f, d)
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	e := d.Recv.List[0].Type
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if index, ok := e.(*ast.IndexExpr); ok {
		e = index.X
	}
	id, ok := e.(*ast.Ident)
	return ok && id.IsExported()
}

// checkExported takes the comment of a group, or of a line, for each name in it.
func checkExported(t *testing.T, f file, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				t.Errorf("%s: %s says nothing of itself", f.at(s), s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					t.Errorf("%s: %s says nothing of itself", f.at(s), name.Name)
				}
			}
		}
	}
}
