// Before anything is drawn: no flash of the other theme. The rest is in src/theme/theme.ts.
try {
  const theme = localStorage.getItem('dashwire.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {} // storage is forbidden: the system's theme
