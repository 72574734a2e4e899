/** An icon with the size and stroke of GraphiQL's own ones. */
function Icon({ children, ...props }) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" {...props}>
      {children}
    </svg>
  );
}

export function AccountIcon(props) {
  return (
    <Icon {...props}>
      <circle cx="12" cy="8" r="4.25" />
      <path d="M3.75 21a8.25 7 0 0 1 16.5 0" strokeLinecap="round" />
    </Icon>
  );
}

export function ExamplesIcon(props) {
  return (
    <Icon {...props}>
      <path d="M9 18h6M10 21.25h4" strokeLinecap="round" />
      <path d="M9 15c0-2-3-3-3-6.5a6 6 0 0 1 12 0C18 12 15 13 15 15z" strokeLinejoin="round" />
    </Icon>
  );
}
