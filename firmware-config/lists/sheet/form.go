package sheet

import (
	"lanewarden/firmware-config/lists"
)

// form is the columns of one list.
type form interface {
	columns() []string
	needed(column int) bool  // a file without it is refused
	numeric(column int) bool // JSON may have a number there
	row(cells []string) (lists.Row, []wrong)
}

// wrong is what is wrong with a cell; column is -1 for the row.
type wrong struct {
	column int
	err    error
}

// column is one column of a list of Ts. set checks and normalises a cell, which is never empty.
type column[T any] struct {
	name    string
	set     func(row *T, cell string) error
	need    bool // the column must be there, and its cells must not be empty
	numeric bool
}

// columnsOf is the form of a list of Ts.
type columnsOf[T interface{ Row() lists.Row }] struct {
	all []column[T]
	// whole checks and completes a row whose cells are all in order; nil for nothing to do. column is the place of what it
	// finds wrong.
	whole func(row *T) (column string, err error)
}

func (c columnsOf[T]) columns() (names []string) {
	for _, one := range c.all {
		names = append(names, one.name)
	}
	return names
}

func (c columnsOf[T]) needed(column int) bool  { return c.all[column].need }
func (c columnsOf[T]) numeric(column int) bool { return c.all[column].numeric }

func (c columnsOf[T]) row(cells []string) (r lists.Row, all []wrong) {
	var row T
	for i, one := range c.all {
		if err := one.read(&row, cells[i]); err != nil {
			all = append(all, wrong{i, err})
		}
	}
	if len(all) > 0 || c.whole == nil {
		return row.Row(), all
	}
	if name, err := c.whole(&row); err != nil {
		return r, []wrong{{c.place(name), err}}
	}
	return row.Row(), nil
}

// place is the number of a column, -1 for none of that name.
func (c columnsOf[T]) place(name string) int {
	for i, one := range c.all {
		if one.name == name {
			return i
		}
	}
	return -1
}

// read reads one cell.
func (c column[T]) read(row *T, cell string) error {
	cell = trim(cell)
	if cell == "" {
		if c.need {
			return emptyCell()
		}
		return nil
	}
	if err := trap(cell); err != nil {
		return err
	}
	return c.set(row, cell)
}
