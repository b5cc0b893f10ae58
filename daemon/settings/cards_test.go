package settings

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListsOfCards(t *testing.T) {
	for text, want := range map[string][]int{"3": {3}, "4-6,0, 2,5": {0, 2, 4, 5, 6}, "auto": nil, "off": nil} {
		got, ok := cardList(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "a", "1,", "-1", "2-1", "0-100000", "1--2", "99999999999"} {
		_, ok := cardList(text)
		require.False(t, ok, text)
	}
	_, managed := (&Settings{Cards: "off"}).CardList()
	require.False(t, managed)
	list, managed := (&Settings{Cards: "auto"}).CardList()
	require.True(t, managed)
	require.Empty(t, list)
}
