package launcher

func daemonMain(string) int { return 0 }
