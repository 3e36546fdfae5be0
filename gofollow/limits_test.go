package gofollow_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gofollow/gofollow"
)

// TestLimitsAreDocumented: docs/limits.md names every limit, and tests that exist.
func TestLimitsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, limits := map[string]bool{}, map[string]bool{"GapPatience": true}
	for _, s := range []any{gofollow.Limits{}, gofollow.Timeouts{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(s)) {
			limits[field.Name] = true
		}
	}
	limit := regexp.MustCompile(`^([mM]ax[A-Z]\w*|call[A-Z]\w*|Timeout|patienceSegments|heldRangeBytes)$`)
	internal, err := filepath.Glob("internal/*")
	if err != nil || len(internal) == 0 {
		t.Fatal(err)
	}
	for _, folder := range append(internal, ".") {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if strings.HasPrefix(d.Name.Name, "Test") {
						tests[d.Name.Name] = true
					}
				case *ast.GenDecl:
					if d.Tok != token.CONST || strings.HasSuffix(name, "_test.go") {
						continue
					}
					for _, spec := range d.Specs {
						for _, ident := range spec.(*ast.ValueSpec).Names {
							if limit.MatchString(ident.Name) {
								limits[ident.Name] = true
							}
						}
					}
				}
			}
		}
	}
	named := map[string]bool{}
	for _, word := range regexp.MustCompile("`[^`]+`").FindAllString(string(page), -1) {
		named[strings.Trim(word, "`")] = true
	}
	for name := range limits {
		if !named[name] {
			t.Errorf("docs/limits.md does not name %s", name)
		}
	}
	rows := 0
	for _, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 5 || strings.HasPrefix(cells[0], " ---") || strings.TrimSpace(cells[0]) == "limit" {
			continue
		}
		rows++
		if test := strings.Trim(cells[4], " `"); !tests[test] {
			t.Errorf("docs/limits.md: no test %q: %s", test, line)
		}
		for i, cell := range cells {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("docs/limits.md: cell %d is empty: %s", i+1, line)
			}
		}
		for _, word := range regexp.MustCompile("`[^`]+`").FindAllString(cells[0], -1) {
			name := strings.Trim(word, "`")
			if !limits[name] && name != "Allocator" {
				t.Errorf("docs/limits.md: there is no limit %s", name)
			}
		}
	}
	if rows < len(limits)*3/4 || len(tests) < 100 {
		t.Errorf("%d rows for %d limits, %d tests", rows, len(limits), len(tests))
	}
}
