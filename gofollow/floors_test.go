package gofollow

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFloors holds the table of floors in ARCHITECTURE.md against the code: it names every file, and
// no file uses a name that a file on a higher floor declares.
func TestFloors(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Floors\n")
	table, _, _ = strings.Cut(table, "\n## ")
	floors := make(map[string]int) // by file, counted from the top
	for i, row := range strings.Split(table, "\n") {
		for _, file := range regexp.MustCompile("`([a-z]+\\.go)`").FindAllStringSubmatch(row, -1) {
			if _, twice := floors[file[1]]; twice {
				t.Errorf("%s is on two floors", file[1])
			}
			floors[file[1]] = i
		}
	}
	fset := token.NewFileSet()
	var files []*ast.File
	names, _ := filepath.Glob("*.go")
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if _, known := floors[name]; !known {
			t.Errorf("%s is on no floor", name)
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(floors) != len(files) {
		t.Errorf("the table names %d files, there are %d", len(floors), len(files))
	}
	uses := make(map[*ast.Ident]types.Object)
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	engine, err := config.Check("gofollow/gofollow", fset, files, &types.Info{Uses: uses})
	if err != nil {
		t.Fatal(err)
	}
	for name, object := range uses {
		if object.Pkg() != engine {
			continue
		}
		user, owner := fset.PositionFor(name.Pos(), false), fset.PositionFor(object.Pos(), false)
		if floors[user.Filename] > floors[owner.Filename] {
			t.Errorf("%v uses %s of %s, which is on a higher floor", user, name.Name, owner.Filename)
		}
	}
}

// TestRulesNameFunctions holds docs/rules.md against the code: a name in brackets is a function or a
// type.
func TestRulesNameFunctions(t *testing.T) {
	text, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, name := range append(files, engine...) {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type )(\w+)`).FindAllSubmatch(source, -1) {
			known[string(declared[1])] = !strings.HasSuffix(name, "_test.go") || known[string(declared[1])]
		}
	}
	brackets := regexp.MustCompile("\\[`[^]]*`\\]").FindAllString(string(text), -1)
	if len(brackets) == 0 {
		t.Fatal("docs/rules.md names no function")
	}
	for _, named := range brackets {
		for _, name := range regexp.MustCompile("`(?:\\w+\\.)?(\\w+)`").FindAllStringSubmatch(named, -1) {
			if !known[name[1]] {
				t.Errorf("docs/rules.md names %s, which is no function or type", name[1])
			}
		}
	}
}
