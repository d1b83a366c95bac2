document.documentElement.dataset.theme = localStorage.theme ?? 'auto'; // before anything is drawn: no flash of the other theme
