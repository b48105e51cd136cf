package jcampdx

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var exact = cmpopts.EquateNaNs()

func parse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sound(t *testing.T, text string) *File {
	t.Helper()
	f := parse(t, text)
	for _, fault := range f.Faults {
		t.Errorf("sound file: %v", fault)
	}
	return f
}

// spectrum wraps a table into a block.
func spectrum(table string) string {
	return "##TITLE=t\n##JCAMP-DX=5.01\n##DATA TYPE=ION MOBILITY SPECTRUM\n##FIRSTX=10\n##DELTAX=0.5\n" +
		table + "##END=\n"
}

// The same eleven ordinates in every form.
func TestForms(t *testing.T) {
	want := []float64{-3, 0, 0, 0, 10, 12, 14, 16, 7, -103, -103}
	for form, lines := range map[string]string{
		"AFFN":                  "10 -3 0 0 0 10 12\n13 14 16 7 -103 -103\n",
		"AFFN, commas":          "10, -3, 0, 0, 0, 10, 12\n13, 14, 16, 7, -103, -103\n",
		"PAC":                   "10-3+0+0+0+10+12\n13+14+16+7-103-103\n",
		"SQZ":                   "10c@@@A0A2\n13A4A6Ga03a03\n",
		"SQZ, DUP":              "10c@UA0A2\n13A4A6Ga03T\n",
		"DIF":                   "10cL%%J0K\n12.5A2KKr\n14Gj10%\n15a03\n",
		"DIF, DUP":              "10cL%TJ0KU\n13.5A6rj10%\n15a03\n",
		"mixed":                 "10-3@UA0K\n12.5A2K 16 +7 a03T\n",
		"DIF, line of the next": "10cL%%J0K\n13A2KKr\n14Gj10%\n15a03\n",
	} {
		t.Run(form, func(t *testing.T) {
			f := sound(t, spectrum("##NPOINTS=11\n##XYDATA=(X++(Y..Y))\n"+lines))
			table := f.Blocks[0].Tables[0]
			if diff := cmp.Diff(want, table.Y()); diff != "" {
				t.Errorf("ordinates (-want +got):\n%s", diff)
			}
			if x := table.X(); x[0] != 10 || x[10] != 15 {
				t.Errorf("abscissas %v", x)
			}
		})
	}
}

func TestWhatIsTolerated(t *testing.T) {
	for name, text := range map[string]string{
		"CR LF":           strings.ReplaceAll(spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n"), "\n", "\r\n"),
		"CR":              strings.ReplaceAll(spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n"), "\n", "\r"),
		"byte order mark": "\ufeff" + spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n"),
		"comments": "$$ made by\n" +
			spectrum("##=a comment record\n##XYDATA=(X++(Y..Y)) $$ form\n$$ a line\n10 1 2 $$ two\n\n11 3 4\n"),
		"label in lower case": spectrum("##n_points= 4\n##xy-data= (x++(y..y))\n10 1 2\n11 3 4\n"),
		"missing END": "##TITLE=t\n##FIRSTX=10\n##DELTAX=0.5\n##NPOINTS=4\n##XYDATA=(X++(Y..Y))\n10 1 " +
			"2\n11 3 4",
		"END without =": "##TITLE=t\n##FIRSTX=10\n##DELTAX=0.5\n##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n##END",
		"no FIRSTX":     "##TITLE=t\n##DELTAX=0.5\n##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n##END=",
		"no DELTAX":     "##TITLE=t\n##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n##END=",
		"factors":       "##TITLE=t\n##XFACTOR=0.1\n##YFACTOR=2\n##FIRSTX=10\n##LASTX=11.5\n##NPOINTS=4\n##XYDATA=(X++(Y..Y))\n100 0.5 1\n110 1.5 2\n##END=",
		"XYPOINTS":      "##TITLE=t\n##XYPOINTS=(XY..XY)\n10, 1; 10.5, 2\n11 3 11.5 4\n##END=",
	} {
		t.Run(name, func(t *testing.T) {
			f := sound(t, text)
			table := f.Blocks[0].Tables[0]
			if diff := cmp.Diff([]float64{10, 10.5, 11, 11.5}, table.X()); diff != "" {
				t.Errorf("abscissas (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]float64{1, 2, 3, 4}, table.Y()); diff != "" {
				t.Errorf("ordinates (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoValue(t *testing.T) {
	f := sound(t, spectrum("##XYDATA=(X++(Y..Y))\n10 1 ? 3\n11.5A1K?\n13?E5\n"))
	if diff := cmp.Diff([]float64{1, missing, 3, 11, 13, missing, missing, 55}, f.Blocks[0].Tables[0].Y(),
		exact); diff != "" {
		t.Error(diff)
	}
	f = sound(t, "##TITLE=t\n##PEAK TABLE=(XY..XY)\n1,?; 2,3\n##END=")
	if diff := cmp.Diff([]float64{missing, 3}, f.Blocks[0].Tables[0].Y(), exact); diff != "" {
		t.Error(diff)
	}
}

func TestRecords(t *testing.T) {
	f := sound(t,
		"##TITLE= Two lines\n of title $$ not this\n##.DRIFT GAS= AIR $$ dry\n##$MY OWN=1\n##PEAK "+
			"ASSIGNMENTS=(XYA)\n(1.86, 100, <nicotinamide>)\n( 2, ,\n <b>) (3,?,<c>)\n##END=\n")
	b := f.Blocks[0]
	if got := b.Get("title"); got != "Two lines\nof title" {
		t.Errorf("title %q", got)
	}
	if got := b.Get(".DRIFTGAS"); got != "AIR" || b.Records[1].Comment != "dry" || b.Get("$my own") != "1" {
		t.Errorf("records %+v", b.Records)
	}
	if diff := cmp.Diff([]string{"nicotinamide", "b", "c"}, b.Tables[0].Text); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float64{100, missing, missing}, b.Tables[0].Y(), exact); diff != "" {
		t.Error(diff)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		line, column int
		message      string
		points       int // kept
	}{
		{"check ordinate", spectrum("##XYDATA=(X++(Y..Y))\n10A0KK\n11A5K\n12A8\n"), 8, 3,
			"check ordinate is 15, and the line before ended with 14", 3},
		{"NPOINTS", spectrum("##NPOINTS= 5\n##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4\n"), 6, 11,
			"NPOINTS is 5: the table that begins in line 7 has 4 of 5 points", 4},
		{"broken number", spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 4x 5\n"), 8, 7, `"x" is no ordinate`, 4},
		{"number of nothing", spectrum("##XYDATA=(X++(Y..Y))\n10 1 2\n11 3 - 5\n"), 8, 6, `"-" is no number`, 3},
		{"lost line", spectrum("##XYDATA=(X++(Y..Y))\n10 1 2 3 4\n14 5 6 7 8\n"), 8, 1,
			"line begins at x = 14, and 4 points before it end at 12", 4},
		{"difference first", spectrum("##XYDATA=(X++(Y..Y))\n10KK\n"), 7, 3,
			"a difference without a value before it", 0},
		{"repetition first", spectrum("##XYDATA=(X++(Y..Y))\n10T5\n"), 7, 3,
			"a repetition without a value before it", 0},
		{"no abscissa", spectrum("##XYDATA=(X++(Y..Y))\nabc\n"), 7, 1, "does not begin with a number", 0},
		{"form", spectrum("##XYDATA=(X+Y)\n10 1 2\n"), 6, 10, `form "(X+Y)" of the table is not known`, 0},
		{"cut", "##TITLE=t\n##FIRSTX=10\n##DELTAX=1\n##XYDATA=(X++(Y..Y))\n10 1 2\n11 3", 6,
			1, "file ends without ##END=", 2},
		{"cut between lines", "##TITLE=t\n##FIRSTX=10\n##DELTAX=1\n##XYDATA=(X++(Y..Y))\n10 1 2\n12 3\n",
			7, 1, "file ends without ##END=", 3},
		{"cut in an abscissa", "##TITLE=t\n##FIRSTX=10\n##DELTAX=1\n##NPOINTS=4\n##XYDATA=(X++(Y..Y))\n10 1 2\n1",
			7, 1, "after 2 of 4 points", 2},
		{"cut peak", "##TITLE=t\n##PEAK TABLE=(XY..XY)\n1 2\n3 4", 4, 1, "after 1 point", 1},
		{"peak", "##TITLE=t\n##PEAK TABLE=(XY..XY)\n1 2\n3 4z\n##END=", 4, 3, `"4z" is no number`, 1},
		{"half a peak", "##TITLE=t\n##PEAK TABLE=(XY..XY)\n1 2\n3\n4 5\n##END=", 4, 1,
			"a tuple of 1 number instead of 2", 1},
		{"assignment", "##TITLE=t\n##PEAK ASSIGNMENTS=(XYA)\n(1,2,<a>)\n(3,4,<b)\n##END=",
			4, 1, "assignment does not end", 1},
		{"factor", "##TITLE=t\n##YFACTOR= two\n##XYDATA=(X++(Y..Y))\n1 2\n2 3\n##END=", 2, 11, `"two" is no number`, 2},
		{"stray line", "##TITLE=t\n##PEAK TABLE=(XY..XY)\n1 2\n##END=\nwhat is this\n", 5,
			1, "outside of any record", 1},
		{"bomb", spectrum("##XYDATA=(X++(Y..Y))\n10 1 V99999999\n"), 7, 6, "more than", 1},
		{"blocks", "##TITLE=t\n##DATA TYPE=LINK\n##BLOCKS=3\n##TITLE=a\n##PEAK TABLE=(XY..XY)\n1 2\n##END=\n##END=",
			8, 7, "##BLOCKS= says 3, and there are 1", 1},
		{"END missing before the next", "##TITLE=t\n##PEAK TABLE=(XY..XY)\n1 2\n##TITLE=u\n##END=",
			4, 1, "##TITLE= before the ##END= of the block that begins in line 1", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, c.text)
			if len(f.Faults) == 0 {
				t.Fatal("no fault")
			}
			got := f.Faults[0]
			if got.Line != c.line || got.Column != c.column || !strings.Contains(got.Reason.Error(), c.message) {
				t.Errorf("%v; want line %d, column %d: %s", got, c.line, c.column, c.message)
			}
			lines := strings.Split(c.text, "\n")
			if want := len(strings.Join(lines[:c.line-1], "\n")) + min(1, c.line-1) + c.column - 1; got.Offset != want {
				t.Errorf("offset %d, not %d", got.Offset, want)
			}
			points := 0
			f.Walk(func(b *Block) {
				for _, table := range b.Tables {
					points += table.Points()
				}
			})
			if points != c.points {
				t.Errorf("%d points were kept, not %d", points, c.points)
			}
		})
	}
}

// A fault in one record leaves those after it readable.
func TestGoesOnAfterAFault(t *testing.T) {
	f := parse(t,
		"##TITLE=t\n##FIRSTX=x\n##XYDATA=(X++(Y..Y))\n1 2 !\n2 3\n##.AFTER=yes\n##PEAK TABLE=(XY..XY)\n5 "+
			"6\n##END=\n##TITLE=u\n##PEAK TABLE=(XY..XY)\n7 8\n##END=\n")
	if len(f.Faults) != 2 || len(f.Blocks) != 2 || f.Blocks[0].Get(".AFTER") != "yes" || len(f.Blocks[0].Tables) != 2 {
		t.Errorf("faults %v, blocks %d", f.Faults, len(f.Blocks))
	}
	if !f.Blocks[0].Tables[0].Partial || f.Blocks[0].Tables[1].Partial {
		t.Error("the table with the fault is partial, the other is whole")
	}
}

func TestNoJCAMP(t *testing.T) {
	for _, text := range []string{"", "hello", "##OTHER=1", "##", "$$ only a comment"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// Whatever is written is read back exactly, in every form.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "points")
		step := rapid.Float64Range(1e-3, 10).Draw(t, "step")
		first := rapid.Float64Range(-1000, 1000).Draw(t, "first")
		factor := rapid.SampledFrom([]float64{1, 0.5, 0.1, 1e-8, 3, 7.25e5}).Draw(t, "factor")
		whole := rapid.SliceOfN(rapid.OneOf(
			rapid.Int64Range(-3, 3), rapid.Int64Range(-1e6, 1e6), rapid.Int64Range(-1e12, 1e12),
			rapid.Just(int64(0)), rapid.Just(int64(math.MinInt64))), n, n).Draw(t, "ordinates")
		y := make([]float64, n)
		for i, v := range whole {
			if y[i] = float64(v) * factor; v == math.MinInt64 {
				y[i] = missing
			}
		}
		x := Regular(first, first+step*float64(n-1), n)
		form := rapid.SampledFrom([]Form{AFFN, PAC, SQZ, DIF, DIFDUP}).Draw(t, "form")
		page := rapid.SampledFrom([]string{"", "T=1"}).Draw(t, "page")
		b := &Block{Records: []Record{{Label: "TITLE", Value: "t"}},
			Tables: []*Table{{Page: page, Columns: []Column{{Symbol: "X", Values: x}, {Symbol: "Y", Values: y}}}}}
		if page != "" {
			b.Records = append(b.Records, Record{Label: "NTUPLES", Value: "ION MOBILITY SPECTRUM"})
			b.Variables = []Variable{{Symbol: "X", Dim: n, First: x[0], Last: x[n-1], Factor: 1},
				{Symbol: "Y", First: missing, Last: missing, Factor: factor}}
		}
		roundTrip(t, b, Options{Form: form, Factor: factor})
	})
}

// roundTrip writes a block and reads it back. Values come back exactly, but for the abscissas of an even table: the file
// has FIRSTX and LASTX, the step follows from them, and the last abscissa that Regular made may be off its own LASTX by
// the last bit, so that the step of the second reading is too.
func roundTrip(t *rapid.T, b *Block, o Options) {
	data, err := Bytes(b, o)
	if err != nil {
		if o.Form == AFFN && strings.Contains(err.Error(), "not exactly") {
			t.Skip() // no quotient gives this ordinate back
		}
		t.Fatal(err)
	}
	f, err := Parse(data)
	if err != nil || len(f.Faults) > 0 {
		t.Fatalf("%v %v\n%s", err, f.Faults, data)
	}
	for i, want := range b.Tables {
		got := f.Blocks[0].Tables[i]
		for k := range want.Columns {
			same := cmp.Options{exact}
			if want.Kind == XYData && k == 0 {
				x := want.X()
				same = append(same, cmpopts.EquateApprox(0, 1e-15*max(math.Abs(x[0]), math.Abs(x[len(x)-1]))))
			}
			if diff := cmp.Diff(want.Columns[k].Values, got.Columns[k].Values, same); diff != "" {
				t.Fatalf("%s: %s\n%s", want.Columns[k].Symbol, diff, data)
			}
		}
		if got.Kind != want.Kind || got.Page != want.Page || !cmp.Equal(got.Text, want.Text) {
			t.Fatalf("%v %q %v became %v %q %v", want.Kind, want.Page, want.Text, got.Kind, got.Page, got.Text)
		}
	}
	for _, line := range bytes.Split(data, []byte("\r\n")) {
		if len(line) > lineMax+30 { // abscissas have up to 20 digits, and a line holds at least one ordinate
			t.Fatalf("a line of %d characters", len(line))
		}
	}
}

// Peaks are floats of any size.
func TestRoundTripPeaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{XYPoints, PeakTable, PeakAssignments}).Draw(t, "kind")
		n := rapid.IntRange(0, 20).Draw(t, "points")
		columns := rapid.SampledFrom([][]string{{"X", "Y"}, {"X", "Y", "W"}}).Draw(t, "symbols")
		table := &Table{Kind: kind}
		for _, symbol := range columns {
			values := rapid.SliceOfN(rapid.Float64Range(-1e300, 1e300), n, n).Draw(t, symbol)
			if n == 0 {
				values = nil
			}
			table.Columns = append(table.Columns, Column{Symbol: symbol, Values: values})
		}
		if kind == PeakAssignments {
			table.Text = rapid.SliceOfN(rapid.StringMatching(`[A-Za-z0-9 ,.()$-]{0,20}[a-z]`), n, n).Draw(t, "text")
			if n == 0 {
				table.Text = nil
			}
			for i := range table.Text {
				table.Text[i] = strings.TrimSpace(strings.ReplaceAll(table.Text[i], "$$", "$"))
			}
		}
		roundTrip(t, &Block{Records: []Record{{Label: "TITLE", Value: "t"}}, Tables: []*Table{table}}, Options{})
	})
}

func TestWriteBlocks(t *testing.T) {
	peaks := func(v float64) *Table {
		return &Table{Kind: PeakTable, Columns: []Column{{Symbol: "X", Values: []float64{v}},
			{Symbol: "Y", Values: []float64{2}}}}
	}
	link := &Block{Records: []Record{{Label: "TITLE", Value: "both"}, {Label: "DATA TYPE", Value: "LINK"}},
		Blocks: []*Block{
			{Records: []Record{{Label: "TITLE", Value: "positive", Comment: "first"}}, Tables: []*Table{peaks(1)}},
			{Records: []Record{{Label: "TITLE", Value: "negative"}}, Tables: []*Table{peaks(3)}},
		}}
	data, err := Bytes(link, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := sound(t, string(data))
	if b := f.Blocks[0].Blocks; len(b) != 2 || b[0].Get("TITLE") != "positive" ||
		b[0].Records[0].Comment != "first" || b[1].Tables[0].X()[0] != 3 {
		t.Errorf("read back: %+v\n%s", f.Blocks[0], data)
	}
}

func TestBounds(t *testing.T) {
	deep := strings.Repeat("##TITLE=t\n##DATA TYPE=LINK\n", 100)
	many := "##TITLE=t\n" + strings.Repeat("##A=1\n", maxRecords+10)
	tables := "##TITLE=t\n" + strings.Repeat("##PEAK TABLE=(XY..XY)\n", maxTables+10)
	faults := "##TITLE=t\n" + strings.Repeat("##XFACTOR=x\n", 1000)
	for name, text := range map[string]string{"deep": deep, "records": many, "tables": tables, "faults": faults} {
		f := parse(t, text)
		if len(f.Faults) == 0 || len(f.Faults) > maxFaults {
			t.Errorf("%s: %d faults", name, len(f.Faults))
		}
	}
	if _, err := Read(strings.NewReader("##TITLE=" + strings.Repeat("x", MaxBytes))); err == nil {
		t.Error("a file that is too large was read")
	}
}

// TestVarDimPlace: a table that has all the points of its axis and not those that VAR_DIM says is warned of where it
// ends.
func TestVarDimPlace(t *testing.T) {
	f := parse(t, "##TITLE=t\n##NTUPLES=s\n##SYMBOL=X,Y\n##VAR_DIM=2,2\n##FIRST=0,1\n##LAST=2,1\n"+
		"##PAGE=N=1\n##DATA TABLE=(X++(Y..Y)), XYDATA\n0 1\n1 1\n2 1\n##END NTUPLES=s\n##END=\n")
	if len(f.Faults) == 0 {
		t.Fatal("nothing is said of it")
	}
	for _, fault := range f.Faults {
		if fault.Line < 8 || fault.Column < 1 || !strings.Contains(fault.Reason.Error(), "VAR_DIM") {
			t.Errorf("%d:%d: %s", fault.Line, fault.Column, fault.Reason)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(spectrum("##NPOINTS=11\n##XYDATA=(X++(Y..Y))\n10cL%TJ0KU\n13.5A6rj10%\n15a03\n")))
	f.Add([]byte(
		"##TITLE=t\n##NTUPLES=x\n##SYMBOL=X,Y,T\n##VAR_DIM=2,2,1\n##FIRST=1,2\n##LAST=2,3\n##PAGE=T=1\n##DATA " +
			"TABLE=(X++(Y..Y)), XYDATA\n1 2 3\n##PAGE=T=2\n##DATA TABLE=(XY..XY), PEAKS\n1,2;3,4\n##END="))
	f.Add([]byte("##TITLE=t\n##DATA TYPE=LINK\n##BLOCKS=1\n##TITLE=u\n##PEAK ASSIGNMENTS=(XYMA)\n(1,2,?,<a " +
		"b>)\n##END=\n##END="))
	f.Add([]byte("##TITLE=t\n##FIRSTX=10,5 " +
		"cm\n##LASTX=1.9D1\n##DELTAX=0.3\n##NPOINTS=1,000\n##XYDATA=(X++(Y..Y)\n10,5 1 2\n3\n11 4\n##END=\n\x1a\x00"))
	f.Add([]byte("##TITLE=t\n##FIRSTX=19\n##LASTX=10\n##NPOINTS=4\n##XFACTOR=0\n##XYDATA=X++(Y...Y)\n10 1 2\n16 3 " +
		"4\x1a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		points := 0
		file.Walk(func(b *Block) {
			for _, table := range b.Tables {
				for _, c := range table.Columns {
					if len(c.Values) != table.Points() {
						t.Fatalf("columns of %d and %d values", len(c.Values), table.Points())
					}
				}
				if table.Kind == PeakAssignments && len(table.Columns) > 0 && len(table.Text) != table.Points() {
					t.Fatalf("%d texts for %d peaks", len(table.Text), table.Points())
				}
				points += table.Points()
			}
		})
		if points > MaxPoints {
			t.Fatalf("%d points", points)
		}
		for _, fault := range file.Faults {
			if fault.Line < 1 || fault.Column < 1 || fault.Offset < 0 || fault.Offset > len(data) {
				t.Fatalf("fault at %d:%d, offset %d: %s", fault.Line, fault.Column, fault.Offset, fault.Reason)
			}
		}
	})
}
