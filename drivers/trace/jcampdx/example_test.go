package jcampdx_test

import (
	"fmt"

	"lanewarden/drivers/trace/jcampdx"
)

// A file is read as far as it goes, and says where something is wrong in it.
func ExampleParse() {
	f, err := jcampdx.Parse([]byte("##TITLE=t\n##DELTAX=1\n##XYDATA=(X++(Y..Y))\n1A0K\n2A5\n##END=\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Faults[0])
	fmt.Println(f.Blocks[0].Tables[0].Y())
	// Output:
	// line 5, column 2: check ordinate is 15, and the line before ended with 12
	// [10 12]
}
