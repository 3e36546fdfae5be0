package gofollow_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"gofollow/gofollow"
)

// overwriting is an allocator that overwrites what is freed, and counts what is not.
type overwriting struct{ live int }

func (a *overwriting) Alloc(n int) []byte {
	a.live++
	return make([]byte, n)
}

func (a *overwriting) Free(b []byte) {
	a.live--
	for i := range b {
		b[i] = 0xa5
	}
}

// logged returns the event log of what is followed, and its error.
func logged(t *testing.T, events iter.Seq2[*gofollow.Event, error]) (log []string, err error) {
	t.Helper()
	for e, failed := range events {
		switch {
		case err != nil:
			t.Fatal("the loop goes on after its error")
		case failed != nil && e != nil:
			t.Fatal("an event comes with an error")
		case failed != nil:
			err = failed
		default:
			log = append(log, e.String())
		}
	}
	return log, err
}

// TestFollow: FollowFile and Follow give the events of every capture, however a reader gives its
// bytes, and a loop that ends early leaves nothing behind.
func TestFollow(t *testing.T) {
	for _, path := range captures(t) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(eventsFile(path))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		memory := &overwriting{}
		config := gofollow.Config{Allocator: memory}
		same := func(how string, events iter.Seq2[*gofollow.Event, error]) {
			t.Helper()
			log, err := logged(t, events)
			if err != nil {
				t.Errorf("%s, %s: %v", path, how, err)
			}
			sameLines(t, path+", "+how, log, want)
		}
		same("FollowFile", gofollow.FollowFile(path, config))
		same("Follow", gofollow.Follow(bytes.NewReader(content), config))
		same("one byte at a time", gofollow.Follow(iotest.OneByteReader(bytes.NewReader(content)), config))
		same("the end with the last bytes", gofollow.Follow(iotest.DataErrReader(bytes.NewReader(content)), config))
		same("a queue for two", gofollow.Follow(iotest.HalfReader(bytes.NewReader(content)),
			gofollow.Config{Allocator: memory, Limits: gofollow.Limits{QueuedEvents: 2}}))
		for n := range want {
			taken := 0
			for range gofollow.FollowFile(path, config) {
				if taken++; taken > n {
					break
				}
			}
		}
		if memory.live != 0 {
			t.Errorf("%s: %d blocks are not freed", path, memory.live)
		}
	}
}

// TestFollowFails: an error of opening comes alone, one of reading after the events of what was
// read, which end with every connection closed.
func TestFollowFails(t *testing.T) {
	good := pcapOf(script(t, hello))
	broken := errors.New("broken")
	var fault *gofollow.CaptureError

	if log, err := logged(t, gofollow.FollowFile(filepath.Join(t.TempDir(), "nothing"), gofollow.Config{})); !errors.Is(err, fs.ErrNotExist) || len(log) > 0 {
		t.Errorf("no such file: %v, %v", log, err)
	}
	if log, err := logged(t, gofollow.Follow(bytes.NewReader(good), gofollow.Config{RST: 9})); err == nil || len(log) > 0 {
		t.Errorf("a bad option: %v, %v", log, err)
	}
	for cut := range good {
		log, err := logged(t, gofollow.Follow(io.MultiReader(bytes.NewReader(good[:cut]), iotest.ErrReader(broken)), gofollow.Config{}))
		if !errors.Is(err, broken) {
			t.Fatalf("an error after %d bytes: %v", cut, err)
		}
		opened := 0
		for _, line := range log {
			switch {
			case strings.HasPrefix(line, "opened "):
				opened++
			case strings.HasPrefix(line, "closed "):
				opened--
			}
		}
		if opened != 0 || (cut == len(good)-1 && len(log) == 0) {
			t.Fatalf("an error after %d bytes: %d connections stay open: %q", cut, opened, log)
		}
	}
	if log, err := logged(t, gofollow.Follow(bytes.NewReader(good[:len(good)-3]), gofollow.Config{})); !errors.As(err, &fault) ||
		fault.Kind != gofollow.CaptureTruncated || fault.Record != 6 || len(log) == 0 || fault.Kind.String() != "truncated" {
		t.Errorf("a truncated capture: %q, %v", log, err)
	}
	for n := range 6 { // a reader that gives nothing, for ever
		empty := io.MultiReader(bytes.NewReader(good[:n]), nothing{})
		if _, err := logged(t, gofollow.Follow(empty, gofollow.Config{})); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("a reader without bytes after %d: %v", n, err)
		}
	}
}

// nothing is a reader that returns neither bytes nor an error.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// TestEvents: loops that end anywhere, with feeding in their bodies, miss no event.
func TestEvents(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, path := range captures(t) {
		packets := records(t, path)
		want := follow(t, gofollow.Config{}, packets).log
		for range 20 {
			f := newFollower(t, gofollow.Config{})
			var log []string
			for i := 0; i < len(packets) || f.Waiting() > 0; {
				if i < len(packets) {
					if err := f.Feed(&packets[i]); err != nil {
						t.Fatal(err)
					}
					i++
				}
				for e := range f.Events() {
					log = append(log, e.String())
					if random.IntN(3) == 0 {
						break
					}
					if i < len(packets) && random.IntN(3) == 0 {
						if err := f.Feed(&packets[i]); err != nil {
							t.Fatal(err)
						}
						i++
					}
				}
			}
			if err := f.Flush(); err != nil {
				t.Fatal(err)
			}
			for e := range f.Events() {
				log = append(log, e.String())
			}
			f.Close()
			for range f.Events() {
				t.Error("a closed follower has events")
			}
			sameLines(t, path, log, want)
		}
	}
}

// TestClone: a copy of an event is the same after the follower is closed.
func TestClone(t *testing.T) {
	var clones []*gofollow.Event
	var want []string
	fact := func(e *gofollow.Event) string {
		c := e.Conn
		return fmt.Sprintf("%v %q %v %v %v %v %q %v %v", e, e.Bytes, c.ID(), c.Clean(), c.Counters(0), c.Counters(1), c.ResetText(), c.OpenedAt(), c.Separation())
	}
	for _, path := range captures(t) {
		config := gofollow.Config{Allocator: &overwriting{}, Anomalies: true, Separate: gofollow.SeparateBoth, GapPatience: gofollow.AtOnce}
		for e, err := range gofollow.FollowFile(path, config) {
			if err != nil {
				t.Fatal(err)
			}
			clones, want = append(clones, e.Clone()), append(want, fact(e))
			clear(e.Bytes)
		}
	}
	for i, e := range clones {
		if got := fact(e); got != want[i] {
			t.Fatalf("the copy says\n%s\nthe event said\n%s", got, want[i])
		}
	}
	if e := (&gofollow.Event{}).Clone(); e.Conn != nil || e.Bytes != nil {
		t.Errorf("the copy of an empty event: %+v", e)
	}
}

func TestTimestamps(t *testing.T) {
	for _, at := range []int64{0, 1, -1, 1752000000123456789, 1<<63 - 1, gofollow.NoTime + 1, gofollow.NoTime} {
		e := gofollow.Event{Time: at, CapturedAt: at}
		for name, get := range map[string]func() (time.Time, bool){"Timestamp": e.Timestamp, "CapturedTimestamp": e.CapturedTimestamp} {
			got, ok := get()
			if ok != (at != gofollow.NoTime) || got.IsZero() == ok || (ok && (got.UnixNano() != at || got.Location() != time.UTC)) {
				t.Errorf("%s of %d: %v, %v", name, at, got, ok)
			}
		}
	}
	for e := range gofollow.FollowFile("../tests/data/half_close.pcap", gofollow.Config{}) {
		if at, ok := e.Conn.OpenedTimestamp(); !ok || at.UnixNano() != e.Conn.OpenedAt() {
			t.Errorf("opened at %v, %v", at, ok)
		}
	}
}

// TestExportedTypes: what the package exports can be named and read by a program outside: no
// declaration consists of, or hands out, a type of an internal package.
func TestExportedTypes(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, node ast.Node) {
		ast.Inspect(node, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				switch x, _ := s.X.(*ast.Ident); {
				case x == nil:
				case x.Name == "capture", x.Name == "decode", x.Name == "memory", x.Name == "fragment":
					t.Errorf("%s shows %s.%s, of an internal package", what, x.Name, s.Sel.Name)
				}
			}
			return true
		})
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) {
					seen++
					check(d.Name.Name, d.Type)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						if spec.Name.IsExported() {
							seen++
							check(spec.Name.Name, exportedParts(spec.Type))
						}
					case *ast.ValueSpec:
						if spec.Names[0].IsExported() && spec.Type != nil {
							seen++
							check(spec.Names[0].Name, spec.Type)
						}
					}
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d exported declarations were found", seen)
	}
}

func exportedReceiver(list *ast.FieldList) bool {
	at := list.List[0].Type
	if star, ok := at.(*ast.StarExpr); ok {
		at = star.X
	}
	id, ok := at.(*ast.Ident)
	return ok && id.IsExported()
}

// exportedParts returns a type without the fields of a struct that are not exported.
func exportedParts(of ast.Expr) ast.Node {
	s, ok := of.(*ast.StructType)
	if !ok {
		return of
	}
	shown := &ast.FieldList{}
	for _, field := range s.Fields.List {
		if len(field.Names) == 0 || field.Names[0].IsExported() {
			shown.List = append(shown.List, field)
		}
	}
	return shown
}
