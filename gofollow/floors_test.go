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
